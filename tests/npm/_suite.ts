import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { Client } from "../_support/client.ts";

/** Stores that hold the session in the cookie, which nobody can take back. */
const STATELESS = ["default", "sealed", "encrypted"];

const PLANTED = "A".repeat(43);

/** A visitor of a server on this machine. */
function visitorOf(url: string): Client {
  return new Client({
    fetch: (request) => {
      const { pathname } = new URL(request.url);
      return fetch(new Request(url + pathname, request), { redirect: "manual" });
    },
  });
}

/** Logs in, reads, writes and logs out, with one store of a server. */
export async function checkStore(url: string, store: string): Promise<void> {
  const path = `/${store}`;
  const visitor = visitorOf(url);
  const post = async (action: string, headers: Record<string, string> = {}) => {
    const response = await visitor.fetch(`${path}/${action}`, { method: "POST", headers });
    await response.text();
    return response.status;
  };

  const first = await visitor.fetch(path);
  assertEquals(first.headers.get("set-cookie"), null);
  assertEquals(await first.json(), {});

  assertEquals(await post("login/ada", { cookie: `${store}=${PLANTED}` }), 302);
  const token = await visitor.value(store);
  assert(token !== undefined && token !== PLANTED, `${store} adopts a planted token`);
  const attacker = { headers: { cookie: `${store}=${PLANTED}` } };
  assertEquals(await visitorOf(url).json(path, attacker), {});
  assertEquals(await visitor.json(path), { name: "ada" });

  assertEquals(await post("visit"), 200);
  assertEquals(await visitor.json(`${path}/visit`, { method: "POST" }), { name: "ada", visits: 2 });
  assertEquals(await visitor.json(path), { name: "ada", visits: 2 });

  const before = await visitor.thief();
  assertEquals(await post("login/grace"), 302);
  assertNotEquals(await visitor.value(store), token);
  assertEquals(await visitor.json(path), { name: "grace", visits: 2 });

  const after = await visitor.thief();
  // A cookie that nobody can take back is only known to be ended where it is cleared.
  const events = STATELESS.includes(store) ? undefined : await visitor.fetch(`${path}/events`);
  const text = events?.text();
  assertEquals(await post("logout"), 204);
  if (text) assertMatch(await text, /^open, (logout|ended)$/);
  assertEquals(await visitor.value(store), undefined);
  assertEquals(await visitor.json(path), {});
  if (STATELESS.includes(store)) return;
  for (const thief of [before, after]) assertEquals(await thief.json(path), {});
}
