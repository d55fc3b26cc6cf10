// A process whose metrics Deno exports. Run by tests/otel/deno_test.ts.
import { createSessions } from "@x/hono-session";
import { telemetry } from "@x/hono-session/otel";
import { DenoKvStore } from "@x/hono-session/stores/deno-kv";
import { Hono } from "hono";

await using store = new DenoKvStore({ path: ":memory:" });
const sessions = createSessions<{ count?: number }>(telemetry({ store }));
const app = new Hono()
  .use(sessions.middleware())
  .get("/", (c) => c.json(c.var.session.count = (c.var.session.count ?? 0) + 1))
  .get("/logout", (c) => {
    c.var.session.destroy();
    return c.text("bye");
  });

await app.request("/", { headers: { cookie: "sid=malformed" } });
for (let visitor = 0; visitor < 3; visitor++) {
  const { cookie } = await sessions.create({}, { subject: `user:${visitor}` });
  await app.request("/", { headers: { cookie } });
  await app.request("/logout", { headers: { cookie } });
}
