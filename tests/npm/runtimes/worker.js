// What runs inside workerd.
import { CloudflareKvStore } from "@x/hono-session/stores/cloudflare-kv";
import { makeApp } from "./app.js";

export default makeApp({
  default: { secret: (c) => c.env.SECRET },
  "cloudflare-kv": { store: new CloudflareKvStore({ namespace: (c) => c.env.SESSION }) },
});
