// What runs inside workerd.
import { CloudflareKvStore } from "@x/hono-session/stores/cloudflare-kv";
import { DurableObjectStore } from "@x/hono-session/stores/durable-objects";
import { makeApp } from "./app.js";

export { SessionObject } from "@x/hono-session/stores/durable-objects";

export default makeApp({
  default: { secret: (c) => c.env.SECRET },
  "cloudflare-kv": { store: new CloudflareKvStore({ namespace: (c) => c.env.SESSION }) },
  "durable-objects": { store: new DurableObjectStore({ namespace: (c) => c.env.SESSIONS }) },
});
