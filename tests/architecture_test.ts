import { assert, assertEquals } from "@std/assert";
import { ROOT } from "../scripts/paths.ts";

/**
 * The rooms of src/, from top to bottom: what is in one imports from its own room and from those below. Rooms beside each
 * other import nothing of each other.
 */
const ROOMS: readonly (readonly string[])[] = [
  ["core", "otel"],
  ["manager"],
  ["middleware"],
  ["options"],
  ["http"],
  ["request"],
  ["device", "live"],
  ["commit"],
  ["session", "store"],
  ["record"],
  ["events", "crypto"],
  ["errors", "util"],
];

/** The rooms that stores build on. */
const UNDER_STORES = ["store", "record", "crypto", "util", "errors"];

/** The folders that stores share, and which stores do. */
const SHARED: Record<string, string[]> = {
  sql: ["d1", "postgres", "sqlite"],
};

/** The packages that stores carry. */
const PACKAGES: Record<string, string[]> = {
  cookie: ["iron-webcrypto"],
};

/** Who knows stores. */
const KNOW_STORES = ["mod.ts", "stores/default.ts", "stores/default/sealed_cookie.ts"];

/** The rooms that know Hono's applications, and what others know of it: values that stand for themselves. */
const KNOW_HONO = ["core", "manager", "middleware"];
const PARTS_OF_HONO = ["hono/http-exception", "hono/utils/cookie", "hono/utils/jwt/jwt"];

const MOST_LINES = 200;

/** What every module imports: local ones by path, others as they are written. */
type Imports = Map<string, string[]>;

const LEVELS = new Map(ROOMS.flatMap((rooms, level) => rooms.map((room) => [room, level])));

const config = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));
const published = await textsOf("mod.ts", "src", "stores");
const imports = importsOf(published);

/** The texts of all modules in files and folders. */
async function textsOf(...paths: string[]): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  for (const path of paths) {
    if (path.endsWith(".ts")) {
      texts.set(path, await Deno.readTextFile(new URL(path, ROOT)));
    } else if (!path.includes(".")) {
      const entries = await Array.fromAsync(Deno.readDir(new URL(path, ROOT)));
      const below = await textsOf(...entries.map(({ name }) => `${path}/${name}`));
      for (const entry of below) texts.set(...entry);
    }
  }
  return texts;
}

function importsOf(texts: ReadonlyMap<string, string>): Imports {
  const imports: Imports = new Map();
  for (const [path, text] of texts) {
    const named = withoutComments(text).matchAll(
      /^(?:import|export)\b(?:[^;"=(]*\bfrom)?\s*"([^"]+)"|\bimport\("([^"]+)"\)/gm,
    );
    imports.set(path, [...named].map(([, name, later]) => resolve(path, (name ?? later)!)));
  }
  return imports;
}

function resolve(path: string, specifier: string): string {
  if (!specifier.startsWith(".")) return specifier;
  return new URL(specifier, new URL(path, ROOT)).href.slice(ROOT.href.length);
}

function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "");
}

/** The room of a module of src/: its folder, or itself. */
function roomOf(path: string): string | undefined {
  return /^src\/(\w+)/.exec(path)?.[1];
}

function storeOf(path: string): string | undefined {
  return /^stores\/(\w+)/.exec(path)?.[1];
}

/** What is wrong with an import, if something is. */
function wrongArrow(path: string, target: string): string | undefined {
  const [from, to] = [roomOf(path), roomOf(target)];
  if (target === "mod.ts") return "imports the face";
  if (storeOf(target)) {
    const isOwn = storeOf(path) === storeOf(target) ||
      SHARED[storeOf(target)!]?.includes(storeOf(path)!);
    return isOwn || KNOW_STORES.includes(path) ? undefined : "imports a store";
  }
  if (storeOf(path)) {
    if (to) return UNDER_STORES.includes(to) ? undefined : "imports what stores must not know";
    const isKnown = PACKAGES[storeOf(path)!]?.includes(target);
    return isKnown ? undefined : "imports a package that stores do not carry";
  }
  if (from && to) {
    const isDown = from === to || LEVELS.get(from)! < LEVELS.get(to)!;
    return isDown ? undefined : "imports from above or beside";
  }
  if (!from || !/^hono\b/.test(target) || KNOW_HONO.includes(from)) return undefined;
  return PARTS_OF_HONO.includes(target) ? undefined : "knows Hono's applications";
}

/** All that is wrong with the layout. */
function wrongs(imports: Imports): string[] {
  return [...imports].flatMap(([path, targets]) => {
    const room = roomOf(path);
    if (room && !LEVELS.has(room)) return [`${path} is in no room`];
    return targets.flatMap((target) => {
      const wrong = wrongArrow(path, target);
      return wrong ? [`${path} ${wrong}: ${target}`] : [];
    });
  });
}

/** The ways from a module back to itself. */
function circles(imports: Imports): string[] {
  const found: string[] = [];
  const done = new Set<string>();
  function follow(path: string, way: string[]): void {
    if (way.includes(path)) {
      found.push([...way.slice(way.indexOf(path)), path].join(" -> "));
    } else if (!done.has(path)) {
      for (const target of imports.get(path) ?? []) follow(target, [...way, path]);
      done.add(path);
    }
  }
  for (const path of imports.keys()) follow(path, []);
  return found;
}

Deno.test("every module of src/ is in a room, and every import leads down", () => {
  assert(imports.size > 100);
  assertEquals(wrongs(imports), []);
});

Deno.test("no module imports itself, over whatever detour", async () => {
  assertEquals(circles(imports), []);
  assertEquals(circles(importsOf(await textsOf("scripts"))), []);
});

Deno.test("every room is there, and none but them", () => {
  const rooms = new Set([...imports.keys()].map(roomOf).filter((room) => room !== undefined));
  assertEquals([...rooms].toSorted(), [...LEVELS.keys()].toSorted());
});

/** Imports that must not be, by what is wrong with each. */
const PLANTED: Record<string, [path: string, target: string]> = {
  "imports from above or beside: up": ["src/record/record.ts", "src/session/session.ts"],
  "imports from above or beside: to the top": ["src/util/clock.ts", "src/core.ts"],
  "imports from above or beside: beside": ["src/session/session.ts", "src/store/contract.ts"],
  "imports from above or beside: beside, of one file": ["src/events.ts", "src/crypto/token.ts"],
  "imports the face": ["src/core.ts", "mod.ts"],
  "imports a store: of src/": ["src/options/options.ts", "stores/cookie.ts"],
  "imports a store: of another": ["stores/redis.ts", "stores/map/traces.ts"],
  "imports a store: of the suite": ["stores/testing.ts", "stores/map.ts"],
  "imports a store: what others share": ["stores/map.ts", "stores/sql/row.ts"],
  "imports a store: from what is shared": ["stores/sql/row.ts", "stores/sqlite.ts"],
  "imports a store: of those that share": ["stores/sqlite.ts", "stores/postgres/drivers.ts"],
  "imports what stores must not know": ["stores/default.ts", "src/options/options.ts"],
  "imports a package that stores do not carry": ["stores/map.ts", "hono"],
  "knows Hono's applications": ["src/http/cache_headers.ts", "hono"],
};

for (const [name, [path, target]] of Object.entries(PLANTED)) {
  Deno.test(`an import that is planted is found: it ${name}`, () => {
    const [wrong] = name.split(": ");
    assert(imports.has(path) && (imports.has(target) || target === "hono"), `${path} or ${target}`);
    assertEquals(wrongs(new Map([[path, [target]]])), [`${path} ${wrong}: ${target}`]);
  });
}

Deno.test("a room and circles that are planted are found", () => {
  assertEquals(wrongs(new Map([["src/attic/old.ts", []]])), ["src/attic/old.ts is in no room"]);
  assertEquals(wrongs(new Map([["src/attic.ts", []]])), ["src/attic.ts is in no room"]);
  const circle = new Map([["a", ["b"]], ["b", ["c", "d"]], ["c", []], ["d", ["b"]]]);
  assertEquals(circles(circle), ["b -> d -> b"]);
  assertEquals(circles(new Map([["a", ["a"]]])), ["a -> a"]);
});

Deno.test("imports are found however they are written", () => {
  const text = [
    'import a from "./a.ts";',
    'import {\n  b,\n} from "../b.ts";',
    'import "./c.ts";',
    'export * from "./d.ts";',
    'const e = await import("./e.ts");',
    'export const NAME = "./no.ts";',
    '// import f from "./f.ts";',
    '/**\n * import g from "./g.ts";\n */',
  ].join("\n");
  const expected = ["src/x/a.ts", "src/b.ts", "src/x/c.ts", "src/x/d.ts", "src/x/e.ts"];
  assertEquals(importsOf(new Map([["src/x/y.ts", text]])).get("src/x/y.ts"), expected);
});

Deno.test("the source asks one place for the time and knows no store by class", () => {
  for (const [path, text] of published) {
    const code = text.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*/g, "");
    if (path !== "src/util/clock.ts" && path !== "stores/testing/case.ts") {
      assert(!code.includes("Date.now"), `${path} mentions Date.now`);
    }
    assert(!/instanceof \w*Store\b/.test(code), `${path} knows a store by class`);
  }
});

Deno.test("the published source holds nothing that JSR refuses", () => {
  for (const [path, text] of published) {
    const code = text.replaceAll(/\/\*[\s\S]*?\*\//g, "");
    assert(
      !/\bdeclare\s+(module|global)\b|export as namespace/.test(code),
      `${path} augments a module`,
    );
    assert(!/from\s+["'](npm|jsr|https?):/.test(code), `${path} names a registry`);
    assert(!/\bDeno\.(?!openKv)/.test(code), `${path} needs Deno`);
  }
});

Deno.test("files stay small", () => {
  const long = [...published].flatMap(([path, text]) => {
    const lines = text.split("\n").filter((line) => !/^\s*(\/\/|\/?\*|$)/.test(line));
    return lines.length > MOST_LINES ? [`${path} has ${lines.length} lines of code`] : [];
  });
  assertEquals(long, []);
});

Deno.test("the import map for networks without JSR knows what deno.json knows", async () => {
  const map = JSON.parse(await Deno.readTextFile(new URL("scripts/npm_import_map.json", ROOT)));
  // Of @std there are only the modules that are used.
  const packageOf = (name: string) => /^(@[^/]+\/)?[^/]+/.exec(name)![0];
  const names = new Set(Object.keys(map.imports).map(packageOf));
  assertEquals([...names].toSorted(), Object.keys(config.imports).toSorted());
  for (const [name, target] of Object.entries<string>(config.imports)) {
    if (target.startsWith("npm:")) assertEquals(map.imports[name], target, name);
  }
  const [, range] = /@hono\/hono@(.+)$/.exec(config.imports.hono) ?? [];
  assertEquals(map.imports.hono, `npm:hono@${range}`);
  assertEquals(map.imports["hono/"], `npm:/hono@${range}/`);
});

Deno.test("the version of deno.json is the newest of the changelog", async () => {
  const changelog = await Deno.readTextFile(new URL("CHANGELOG.md", ROOT));
  const [, newest] = /^## (\d+\.\d+\.\d+)/m.exec(changelog) ?? [];
  assertEquals(newest, config.version);
});
