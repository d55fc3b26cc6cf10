import { session } from "@x/hono-session";
import { assertEquals } from "@std/assert";
import { Hono } from "hono";

interface Data {
  count?: number;
}

/** A store whose operations take a while, and what it holds. */
function makeStore() {
  const held = new Map<string, unknown>();
  const later = () => new Promise((resolve) => setTimeout(resolve));
  const store = {
    get: (key: string) => later().then(() => held.get(key)),
    set: (key: string, value: unknown) => later().then(() => void held.set(key, value)),
    delete: (key: string) => later().then(() => void held.delete(key)),
  };
  return { held, store };
}

Deno.test("sessions that a request ends are removed, and each is reported once, however many saves begin at once", async () => {
  const { held, store } = makeStore();
  const destroyed: string[] = [];
  const app = new Hono()
    .use(session<Data>({ store, events: { destroyed: ({ sid }) => void destroyed.push(sid) } }))
    .get("/login", (c) => {
      c.var.session.count = 1;
      return c.text(c.var.session.sid);
    })
    .get("/", async (c) => {
      c.var.session.destroy();
      c.set("session", { count: 0 } as never);
      const next = c.var.session;
      const count = () => next.update("count", (count = 0) => count + 1);
      await Promise.all([next.save(), count(), count()]);
      next.destroy();
      return c.text(next.sid);
    });
  const sids: string[] = [];
  const cookies: string[] = [];
  for (let login = 0; login < 2; login++) {
    const response = await app.request("/login");
    sids.push(await response.text());
    cookies.push(response.headers.get("set-cookie")!.split(";")[0]!);
  }
  const response = await app.request("/", { headers: { cookie: cookies.join("; ") } });
  sids.push(await response.text());
  assertEquals(destroyed.toSorted(), sids.toSorted());
  assertEquals(held.size, 0);
});
