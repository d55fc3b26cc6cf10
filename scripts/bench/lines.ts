import { fromFileUrl, ROOT } from "../paths.ts";

/** What a program prints, line by line, as JSON. */
export async function linesOf<Line>(command: string[], cwd = fromFileUrl(ROOT)): Promise<Line[]> {
  const [program, ...args] = command;
  const { success, stdout } = await new Deno.Command(program!, { args, cwd, stderr: "inherit" })
    .output();
  if (!success) throw new Error(`Cannot measure: ${command.join(" ")} failed`);
  return new TextDecoder().decode(stdout).trim().split("\n").map((line) => JSON.parse(line));
}

const IMPORT_MAP = Deno.env.get("HONO_SESSION_IMPORT_MAP");

/** How a program is run on this Deno. */
export const DENO: readonly string[] = [
  ...[Deno.execPath(), "run", "-A"],
  ...(IMPORT_MAP ? [`--import-map=${IMPORT_MAP}`] : []),
];
