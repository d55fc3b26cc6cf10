import { assertEquals } from "@std/assert";
import { packageJson } from "../../scripts/npm/package.ts";
import { checkAsConsumer, HONO_VERSIONS, skipConsumer, TYPESCRIPT_VERSIONS } from "./_consumer.ts";

const SAME = `
type Equals<One, Other> = (<T>() => T extends One ? 1 : 2) extends
  (<T>() => T extends Other ? 1 : 2) ? true : false;
export const same = <_Proof extends true>(): void => {};
`;

const EVERY_ENTRY = Object.keys(packageJson.exports)
  .map((name, at) => `export * as e${at} from "${name.replace(".", packageJson.name)}";\n`)
  .join("");

const APP = `${SAME}
import "@x/hono-session/global";
import { type Session, session, type SessionData } from "@x/hono-session";
import { session as sessionIn } from "@x/hono-session/core";
import { MapStore } from "@x/hono-session/stores/map";
import { Hono } from "hono";

interface Shop {
  userId?: string;
}

new Hono().use(session<Shop>({ store: new MapStore() })).get("/", (c) => {
  const got = c.get("session");
  same<Equals<typeof got, Session<Shop>>>();
  same<Equals<typeof c.var.session, Session<Shop>>>();
  same<Equals<typeof c.session, Session<Shop>>>();
  // @ts-expect-error -- no such key
  c.session.nobody = 1;
  c.session = null;
  c.session = { userId: "42" };
  return c.json(c.session);
});

new Hono().use(sessionIn<Shop>({ store: new MapStore() })).get("/", (c) => {
  same<Equals<typeof c.var.session, Session<Shop>>>();
  return c.json(c.session);
});
// @ts-expect-error -- no store
sessionIn({});

new Hono().get("/", (c) => {
  same<Equals<typeof c.session, Session<SessionData>>>();
  return c.json(c.session);
});
`;

const [oldestHono, newestHono] = HONO_VERSIONS as [string, string];

const CONSUMERS = [
  ...TYPESCRIPT_VERSIONS.map((typescript) => ({ typescript, hono: newestHono })),
  { typescript: "6", hono: oldestHono },
];

for (const consumer of skipConsumer() ? [] : CONSUMERS) {
  const names = `TypeScript ${consumer.typescript} and hono@${consumer.hono}`;

  Deno.test(`a consumer that bundles type-checks with ${names}`, async () => {
    const bundled = { module: "ESNext", moduleResolution: "Bundler" };
    const compilerOptions = { ...bundled, exactOptionalPropertyTypes: false };
    assertEquals(await checkAsConsumer(APP, { ...consumer, compilerOptions }), []);
  });

  Deno.test(`a consumer with ${names} is told of a mistake, and of nothing else`, async () => {
    const program = `${EVERY_ENTRY}${APP} session({ maxAge: "long" });`;
    const findings = await checkAsConsumer(program, consumer);
    assertEquals(findings.map((line) => /error (TS\d+)/.exec(line)?.[1]), ["TS2322"]);
  });
}

Deno.test({
  name: "a consumer needs no library of types but that of its runtime",
  ignore: skipConsumer(),
  async fn() {
    const lib = ["ES2022", "DOM", "DOM.Iterable"];
    const compilerOptions = { lib, skipDefaultLibCheck: false };
    assertEquals(await checkAsConsumer(EVERY_ENTRY, { compilerOptions }), []);
  },
});
