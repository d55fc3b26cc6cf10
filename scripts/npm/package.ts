// What the npm package is, whatever builds it: `scripts/build_npm.ts` or, for the tests, `build_with_tsc.ts`.
import config from "../../deno.json" with { type: "json" };

/** The modules of Hono that the source imports. dnt copies one that is missing here into the package. */
const HONO_MODULES = [
  "hono",
  "hono/http-exception",
  "hono/utils/cookie",
  "hono/utils/jwt/jwt",
  "hono/ws",
];

/** The data of `/global`, the entry point that there is on npm alone: JSR lets nobody augment a module. */
const GLOBAL = {
  name: "./global",
  types: "./esm/global.d.ts",
  default: "./esm/global.js",
};

/** The entry points, as on JSR. */
export const entryPoints: { name: string; path: string }[] = Object.entries(config.exports)
  .map(([name, path]) => ({ name, path }));

/**
 * The default store, which depends on who imports the package: bundles for Node, Bun and Workers contain no Deno KV. Its
 * import in the main entry point is written as `#default-store` when the package is built.
 */
export const defaultStore = {
  importedBy: "esm/mod.js",
  from: "./stores/default.js",
  to: "#default-store",
  conditions: {
    deno: "./esm/stores/default.js",
    default: "./esm/stores/default/sealed_cookie.js",
  },
};

/** What the versions of Hono have in common that the package works with. */
export const HONO_RANGE: string = rangeOf(config.imports.hono);

/** The package that `/otel` alone needs. */
const OTEL_API = "@opentelemetry/api";

/** Where the package gets Hono and OpenTelemetry from on npm: from whoever installs it. */
export const mappings: Record<string, PeerModule> = Object.fromEntries([
  [OTEL_API, { name: OTEL_API, version: rangeOf(config.imports[OTEL_API]), peerDependency: true }],
  ...HONO_MODULES.map((specifier): [string, PeerModule] => {
    const [name, ...rest] = specifier.split("/") as [string, ...string[]];
    const subPath = rest.join("/");
    return [specifier, {
      name,
      version: HONO_RANGE,
      peerDependency: true,
      ...(subPath ? { subPath } : {}),
    }];
  }),
]);

/** A module of a package that an application brings along. */
export interface PeerModule {
  name: string;
  version: string;
  peerDependency: true;
  subPath?: string;
}

/** What runs the package has all of this. */
export const TARGET = "ES2022";
export const LIB: ("ES2022" | "DOM" | "DOM.Iterable" | "ESNext.Disposable")[] = [
  "ES2022",
  "DOM",
  "DOM.Iterable",
  "ESNext.Disposable",
];

/** The `package.json` but for what dnt finds out itself: the two kinds of dependencies. */
export const packageJson = {
  name: config.name,
  version: config.version,
  description:
    "Sessions for Hono: typed, safe under concurrent requests, in Deno KV, Redis, Postgres, SQLite, D1, DynamoDB, Workers KV, Durable Objects or a sealed cookie.",
  keywords: ["hono", "session", "middleware", "cookie", "deno", "bun", "cloudflare-workers"],
  license: config.license,
  ...repository(),
  type: "module",
  sideEffects: false,
  engines: { node: ">=20" },
  exports: Object.fromEntries([
    ...entryPoints.map(({ name, path }) => {
      const stem = path.replace("./", "./esm/").replace(/\.ts$/, "");
      return [name, { types: `${stem}.d.ts`, default: `${stem}.js` }] as const;
    }),
    [GLOBAL.name, { types: GLOBAL.types, default: GLOBAL.default }] as const,
  ]),
  imports: { [defaultStore.to]: defaultStore.conditions },
  peerDependenciesMeta: { [OTEL_API]: { optional: true } },
  publishConfig: { access: "public" },
};

export const dependencies = { "iron-webcrypto": rangeOf(config.imports["iron-webcrypto"]) };

export const peerDependencies = {
  [OTEL_API]: rangeOf(config.imports[OTEL_API]),
  hono: HONO_RANGE,
};

/** Documents that users read, at the places where links between them find them. */
const DOCUMENTS = [
  ...config.publish.include.filter((path) => /(^|\/)[A-Z]+(\.md)?$/.test(path)),
  "stores/README.md",
];

/** Files that are put beside the code as they are, and where. */
export const files: Record<string, string> = {
  ...Object.fromEntries(DOCUMENTS.map((path) => [path, path])),
  "scripts/npm/global.d.ts": GLOBAL.types,
  "scripts/npm/global.js": GLOBAL.default,
};

/** npm holds the provenance of the package against it. */
function repository(): { repository?: { type: string; url: string } } {
  const name = Deno.env.get("GITHUB_REPOSITORY");
  if (name === undefined) return {};
  const server = Deno.env.get("GITHUB_SERVER_URL") ?? "https://github.com";
  return { repository: { type: "git", url: `git+${server}/${name}.git` } };
}

function rangeOf(specifier: string): string {
  const [, range] = /^(?:npm:@?|jsr:@[^/]+\/)[^@]+@(.+)$/.exec(specifier) ?? [];
  if (range === undefined) throw new Error(`Cannot read range of versions: ${specifier}`);
  return range;
}
