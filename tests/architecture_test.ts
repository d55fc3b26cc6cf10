import { assert, assertEquals } from "@std/assert";

const ROOT = new URL("../", import.meta.url);

const IMPORT_MAP = Deno.env.get("HONO_SESSION_IMPORT_MAP");

interface Module {
  specifier: string;
  dependencies?: {
    specifier: string;
    code?: { specifier?: string };
    type?: { specifier?: string };
  }[];
}

const config = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));

/** What every module of the package imports: local ones by path, others as they are written. */
async function graph(): Promise<Map<string, string[]>> {
  const imports = new Map<string, string[]>();
  for (const entry of Object.values<string>(config.exports)) {
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["info", "--json", ...(IMPORT_MAP ? [`--import-map=${IMPORT_MAP}`] : []), entry],
      cwd: ROOT,
    }).output();
    const { modules }: { modules: Module[] } = JSON.parse(new TextDecoder().decode(stdout));
    for (const { specifier, dependencies = [] } of modules) {
      if (!specifier.startsWith(ROOT.href)) continue;
      imports.set(
        specifier.slice(ROOT.href.length),
        dependencies.map((each) => {
          const resolved = each.code?.specifier ?? each.type?.specifier ?? each.specifier;
          const local = resolved.startsWith(ROOT.href) && !resolved.includes("/scripts/std/");
          return local ? resolved.slice(ROOT.href.length) : each.specifier;
        }),
      );
    }
  }
  return imports;
}

const imports = await graph();

/** The source files that are published. */
async function published(): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for (const path of imports.keys()) files.set(path, await Deno.readTextFile(new URL(path, ROOT)));
  return files;
}

/** The layers of DESIGN.md section 2, lowest first: a module imports from its own and lower ones only. */
const LAYERS: string[][] = [
  [
    "src/errors.ts",
    "src/clock.ts",
    "src/promise.ts",
    "src/property.ts",
    "src/base64url.ts",
    "src/misuse.ts",
    "src/stand_in.ts",
    "src/status.ts",
    "src/option_table.ts",
    "src/foreign_options.ts",
    "src/store_table.ts",
    "src/unloaded.ts",
    "src/unprinted.ts",
    "src/node_builtin.ts",
    "src/node_crypto.ts",
  ],
  [
    "src/secrets.ts",
    "src/token.ts",
    "src/hmac.ts",
    "src/record.ts",
    "src/serialize.ts",
    "src/queue.ts",
    "src/retry.ts",
    "src/reach.ts",
    "src/cache_headers.ts",
    "src/answer.ts",
  ],
  [
    "src/expiry.ts",
    "src/merge.ts",
    "src/json_object.ts",
    "src/json_value.ts",
    "src/copy.ts",
    "src/contents.ts",
    "src/requested.ts",
    "src/events.ts",
    "src/cookie_attributes.ts",
  ],
  ["src/store.ts", "src/list_order.ts", "src/transport.ts", "src/data_reader.ts"],
  [
    "src/key_value_store.ts",
    "src/unanswered.ts",
    "src/checked_entries.ts",
    "src/bounded_store.ts",
    "src/session.ts",
  ],
  [
    "src/keeper_config.ts",
    "src/session_view.ts",
    "src/outage.ts",
    "src/ended.ts",
    "src/subject.ts",
  ],
  ["src/session_state.ts"],
  [
    "src/rotation.ts",
    "src/committing.ts",
    "src/plan.ts",
    "src/write.ts",
    "src/create.ts",
    "src/overwrite.ts",
    "src/commit.ts",
    "src/renewal.ts",
    "src/update.ts",
    "src/delivery.ts",
    "src/late_changes.ts",
    "src/endings.ts",
    "src/issue.ts",
    "src/start.ts",
    "src/flash_rule.ts",
    "src/visiting.ts",
    "src/visit.ts",
    "src/limit.ts",
  ],
  ["src/newest.ts", "src/loader.ts", "src/sessions.ts", "src/session_list.ts"],
  [
    "src/cookie_transport.ts",
    "src/session_cookie.ts",
    "src/insecure_origin.ts",
    "src/header_budget.ts",
    "src/session_env.ts",
    "src/signature.ts",
    "src/bearer_transport.ts",
    "src/access_token.ts",
  ],
  [
    "src/default_store.ts",
    "src/options.ts",
    "src/check_cookie.ts",
    "src/mistaken_stores.ts",
    "src/check_shapes.ts",
    "src/check_token.ts",
    "src/check_parts.ts",
    "src/check_options.ts",
    "src/given_options.ts",
    "src/same_options.ts",
  ],
  [
    "src/travel.ts",
    "src/inner_commit.ts",
    "src/streams.ts",
    "src/outgoing.ts",
    "src/watch_variable.ts",
    "src/deny.ts",
    "src/deliver.ts",
    "src/mounted.ts",
    "src/departure.ts",
  ],
  ["src/mount.ts", "src/mounting.ts"],
  ["src/session_manager.ts", "src/helpers.ts"],
  ["src/middleware.ts"],
];

const LAYER_OF = new Map(LAYERS.flatMap((paths, layer) => paths.map((path) => [path, layer])));

Deno.test("every module of src/ has its layer and imports from it or below", () => {
  const sources = [...imports.keys()].filter((path) => path.startsWith("src/"));
  assertEquals(sources.toSorted(), [...LAYER_OF.keys()].toSorted());
  for (const path of sources) {
    for (const target of imports.get(path)!) {
      if (!target.startsWith("src/")) continue;
      assert(LAYER_OF.get(target)! <= LAYER_OF.get(path)!, `${path} imports ${target} from above`);
    }
  }
});

Deno.test("no module of the package imports itself, over whatever detour", () => {
  const done = new Set<string>();
  function visit(path: string, way: string[]): void {
    assert(!way.includes(path), `a cycle: ${[...way, path].join(" -> ")}`);
    if (done.has(path)) return;
    for (const target of imports.get(path) ?? []) visit(target, [...way, path]);
    done.add(path);
  }
  for (const path of imports.keys()) visit(path, []);
});

Deno.test("stores import the contract, records, errors and the checks of options, and never each other or Hono", () => {
  const contract = ["src/store.ts", "src/list_order.ts", "src/record.ts", "src/errors.ts"];
  const options = ["src/misuse.ts", "src/option_table.ts", "src/store_table.ts", "src/promise.ts"];
  const allowed: Record<string, string[]> = {
    cookie: [
      "src/base64url.ts",
      "src/expiry.ts",
      "src/hmac.ts",
      "src/json_value.ts",
      "src/node_crypto.ts",
      "src/secrets.ts",
      "src/serialize.ts",
      "src/token.ts",
      "iron-webcrypto",
      "@std/crypto/aes-gcm",
    ],
    cloudflare_kv: ["src/key_value_store.ts"],
  };
  for (const [path, targets] of imports) {
    const [, name] = /^stores\/(\w+)/.exec(path) ?? [];
    if (!name) continue;
    const own = name === "testing" ? "conformance" : name;
    for (const target of targets) {
      const local = target.startsWith(`stores/${own}/`) || target === `stores/${own}.ts`;
      assert(
        local || [...contract, ...options, ...allowed[name] ?? []].includes(target),
        `${path} imports ${target}`,
      );
    }
  }
});

Deno.test("only the middleware, its helpers, the cookie, the answer and the JWT know Hono", () => {
  const users = [...imports].filter(([, targets]) =>
    targets.some((target) => /^hono\b/.test(target))
  );
  assertEquals(users.map(([path]) => path).toSorted(), [
    "src/access_token.ts",
    "src/answer.ts",
    "src/cookie_attributes.ts",
    "src/deliver.ts",
    "src/deny.ts",
    "src/departure.ts",
    "src/helpers.ts",
    "src/middleware.ts",
    "src/mount.ts",
    "src/mounted.ts",
    "src/mounting.ts",
    "src/outgoing.ts",
    "src/session_manager.ts",
    "src/watch_variable.ts",
  ]);
});

Deno.test("the source asks one place for the time and knows no store by class", async () => {
  for (const [path, text] of await published()) {
    const code = text.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*/g, "");
    if (path !== "src/clock.ts" && path !== "stores/conformance/case.ts") {
      assert(!code.includes("Date.now"), `${path} mentions Date.now`);
    }
    assert(!/instanceof \w*Store\b/.test(code), `${path} knows a store by class`);
  }
});

Deno.test("the published source holds nothing that JSR refuses", async () => {
  for (const [path, text] of await published()) {
    const code = text.replaceAll(/\/\*[\s\S]*?\*\//g, "");
    assert(
      !/\bdeclare\s+(module|global)\b|export as namespace/.test(code),
      `${path} augments a module`,
    );
    assert(!/from\s+["'](npm|jsr|https?):/.test(code), `${path} names a registry`);
    assert(!/\bDeno\.(?!openKv|customInspect)/.test(code), `${path} needs Deno`);
  }
});

Deno.test("files stay small", async () => {
  for (const [path, text] of await published()) {
    const lines = text.replaceAll(/\/\*[\s\S]*?\*\//g, "").split("\n");
    const code = lines.filter((line) => line.trim() && !line.trim().startsWith("//"));
    const limit = path.startsWith("stores/conformance/") ? 300 : 250;
    assert(code.length <= limit, `${path} has ${code.length} lines of code`);
  }
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
