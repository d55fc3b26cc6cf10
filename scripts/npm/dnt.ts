// Stands in for @deno/dnt where JSR can't be reached: as much of its types as is used. It builds nothing.
import type { LIB, PeerModule, TARGET } from "./package.ts";

export interface BuildOptions {
  cwd?: string;
  entryPoints: { name: string; path: string }[];
  outDir: string;
  package: { name: string; version: string };
  mappings?: Record<string, PeerModule>;
  shims: Record<never, never>;
  polyfills?: boolean;
  scriptModule?: "cjs" | "umd" | false;
  test?: boolean;
  skipSourceOutput?: boolean;
  compilerOptions?: {
    target?: typeof TARGET;
    lib?: typeof LIB;
    noImplicitReturns?: boolean;
    noUncheckedIndexedAccess?: boolean;
    useUnknownInCatchVariables?: boolean;
  };
  postBuild?: () => void | Promise<void>;
}

export function build(_options: BuildOptions): Promise<void> {
  throw new Error("Cannot build npm package: dnt is on JSR, which can't be reached");
}

export const emptyDir: (folder: string) => Promise<void> = () => Promise.resolve();
