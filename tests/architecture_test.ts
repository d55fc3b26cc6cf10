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
    "src/util/clock.ts",
    "src/util/awaitable.ts",
    "src/util/property.ts",
    "src/crypto/base64url.ts",
    "src/util/option_errors.ts",
    "src/session/read_only.ts",
    "src/request/response_status.ts",
    "src/util/option_table.ts",
    "src/util/foreign_options.ts",
    "src/store/store_options.ts",
    "src/session/lazy_session.ts",
    "src/util/inspect.ts",
    "src/crypto/node_builtin.ts",
    "src/crypto/node.ts",
  ],
  [
    "src/crypto/secrets.ts",
    "src/crypto/token.ts",
    "src/crypto/hmac.ts",
    "src/record/record.ts",
    "src/record/serialize.ts",
    "src/util/keyed_queue.ts",
    "src/commit/retry.ts",
    "src/http/cookie_delivery.ts",
    "src/http/cache_headers.ts",
    "src/http/error_response.ts",
  ],
  [
    "src/record/expiry.ts",
    "src/record/merge.ts",
    "src/record/json_object.ts",
    "src/record/deep_equal.ts",
    "src/record/deep_copy.ts",
    "src/record/contents.ts",
    "src/record/pending_changes.ts",
    "src/events.ts",
    "src/http/cookie_attributes.ts",
  ],
  [
    "src/store/contract.ts",
    "src/store/list_order.ts",
    "src/http/transport.ts",
    "src/record/schema.ts",
  ],
  [
    "src/store/key_value_adapter.ts",
    "src/store/unacknowledged_writes.ts",
    "src/store/key_value_check.ts",
    "src/store/timeout_store.ts",
    "src/session/session.ts",
  ],
  [
    "src/session/config.ts",
    "src/session/properties.ts",
    "src/session/unavailable_session.ts",
    "src/session/ended_session.ts",
    "src/record/subject.ts",
  ],
  ["src/session/session_state.ts"],
  [
    "src/commit/rotation.ts",
    "src/commit/context.ts",
    "src/commit/plan.ts",
    "src/commit/write.ts",
    "src/commit/create.ts",
    "src/commit/overwrite.ts",
    "src/commit/commit.ts",
    "src/commit/early_renewal.ts",
    "src/commit/transaction.ts",
    "src/request/cookie_change.ts",
    "src/request/unsaved_changes.ts",
    "src/request/destroyed_sessions.ts",
    "src/request/issue_token.ts",
    "src/request/start_session.ts",
    "src/request/consume_flash.ts",
    "src/request/config.ts",
    "src/request/request_session.ts",
    "src/commit/session_limit.ts",
  ],
  [
    "src/request/newest_session.ts",
    "src/request/load.ts",
    "src/request/sessions.ts",
    "src/manager/session_list.ts",
  ],
  [
    "src/http/cookie_transport.ts",
    "src/http/session_cookie.ts",
    "src/http/insecure_origin.ts",
    "src/http/header_size.ts",
    "src/middleware/env.ts",
    "src/crypto/token_signature.ts",
    "src/http/bearer_transport.ts",
    "src/http/access_token.ts",
  ],
  [
    "src/options/options.ts",
    "src/options/cookie_options.ts",
    "src/options/mistaken_stores.ts",
    "src/options/check_shapes.ts",
    "src/options/token_options.ts",
    "src/options/check_parts.ts",
    "src/options/check_options.ts",
    "src/options/given_options.ts",
    "src/options/same_options.ts",
  ],
  [
    "src/http/credentials.ts",
    "src/http/inner_request.ts",
    "src/http/response_stream.ts",
    "src/middleware/response.ts",
    "src/middleware/watch_variable.ts",
    "src/middleware/deny.ts",
    "src/middleware/response_headers.ts",
    "src/middleware/context.ts",
    "src/middleware/response_end.ts",
  ],
  ["src/middleware/lifecycle.ts", "src/middleware/middleware.ts"],
  ["src/manager/session_manager.ts", "src/middleware/helpers.ts"],
  ["src/core.ts"],
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
  const contract = [
    "src/store/contract.ts",
    "src/store/list_order.ts",
    "src/record/record.ts",
    "src/errors.ts",
  ];
  const options = [
    "src/util/option_errors.ts",
    "src/util/option_table.ts",
    "src/store/store_options.ts",
    "src/util/awaitable.ts",
  ];
  const allowed: Record<string, string[]> = {
    cookie: [
      "src/crypto/base64url.ts",
      "src/record/expiry.ts",
      "src/crypto/hmac.ts",
      "src/record/deep_equal.ts",
      "src/crypto/node.ts",
      "src/crypto/secrets.ts",
      "src/record/serialize.ts",
      "src/crypto/token.ts",
      "iron-webcrypto",
      "@std/crypto/aes-gcm",
    ],
    cloudflare_kv: ["src/store/key_value_adapter.ts"],
  };
  for (const [path, targets] of imports) {
    const [, name] = /^stores\/(\w+)/.exec(path) ?? [];
    if (!name || name === "default") continue;
    const own = name;
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
    "src/core.ts",
    "src/http/access_token.ts",
    "src/http/cookie_attributes.ts",
    "src/http/error_response.ts",
    "src/manager/session_manager.ts",
    "src/middleware/context.ts",
    "src/middleware/deny.ts",
    "src/middleware/helpers.ts",
    "src/middleware/lifecycle.ts",
    "src/middleware/middleware.ts",
    "src/middleware/response.ts",
    "src/middleware/response_end.ts",
    "src/middleware/response_headers.ts",
    "src/middleware/watch_variable.ts",
  ]);
});

Deno.test("the source asks one place for the time and knows no store by class", async () => {
  for (const [path, text] of await published()) {
    const code = text.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*/g, "");
    if (path !== "src/util/clock.ts" && path !== "stores/testing/case.ts") {
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
    const limit = path.startsWith("stores/testing/") ? 300 : 250;
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
