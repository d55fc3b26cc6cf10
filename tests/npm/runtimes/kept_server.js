// What an application keeps and returns to all, under an adapter with responses of its own.
// @ts-ignore -- the tests install it
import { serve } from "@hono/node-server";
// @ts-ignore -- the tests install it
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { session } from "@x/hono-session";
import { MapStore } from "@x/hono-session/stores/map";
import { Hono } from "hono";
import { ready } from "./ready.js";

const warnings = [];
const logger = { error: console.error, warn: (message) => warnings.push(message) };
/** They are made when the adapter is there, whose responses share the headers that they are given. */
const kept = {};
const make = {
  empty: () => new Response(null, { status: 204 }),
  redirect: () => Response.redirect("http://127.0.0.1/home", 303),
  headers: () => new Response("page", { headers: kept.all }),
};
let page;

const app = new Hono()
  .use(session({ store: new MapStore(), logger }))
  .get("/me", (c) => c.text(c.session.name ?? "nobody"))
  .get("/login/:name", (c) => {
    c.session.name = c.req.param("name");
    return c.text("welcome");
  })
  .get("/warnings", (c) => c.json(warnings.splice(0)))
  .get("/constant", (c) => c.json([...RESPONSE_ALREADY_SENT.headers]))
  .use("/kept/*", async (c, next) => {
    if (c.req.query("name")) c.session.name = c.req.query("name");
    await next();
  })
  .get("/kept/sent", (c) => {
    c.env.outgoing.writeHead(200, { "content-type": "text/plain" });
    c.env.outgoing.end("sent by the handler");
    return RESPONSE_ALREADY_SENT;
  })
  .get("/kept/page", (c) => page ??= c.text("page"))
  .get("/kept/:what", (c) => {
    kept.all ??= new Headers({ "x-page": "1" });
    const what = c.req.param("what");
    return what === "headers" ? make.headers() : kept[what] ??= make[what]();
  });

serve(
  { fetch: app.fetch, hostname: "127.0.0.1", port: 0 },
  ({ port }) => ready(`http://127.0.0.1:${port}`),
);
