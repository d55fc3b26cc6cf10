// Serves the demo on this machine, with its sessions in Deno KV on disk.
import { DenoKvStore } from "../../stores/deno_kv.ts";
import { fromFileUrl, ROOT } from "../paths.ts";
import { createApp } from "./app.ts";
import { listen } from "./listen.ts";
import { stopSignal } from "./stop_signal.ts";

const path = Deno.env.get("DEMO_KV") ?? await defaultPath();
await using store = new DenoKvStore({ path });
const stopping = new AbortController();
const app = createApp({ store, stopping: stopping.signal });
const server = listen(app.fetch, Deno.env.get("PORT"));

console.log(`
The demo is at http://localhost:${server.addr.port}

  Log in with any name, then look at your profile.
  Press "Add 20 at once" on the counter: it goes up by exactly 20.
  Log in with the same name in another browser, then look at your devices.
  Log the other one out there: its page says so by itself.
  Stop with Ctrl+C and start again: you are still logged in.
  Try a window as narrow as a phone, light and dark.
  Use Chrome or Firefox: Safari may refuse secure cookies on localhost.
  Sessions are kept in ${path}
`);

await stopSignal();
stopping.abort();
await server.shutdown();
console.log("Stopped.");

async function defaultPath(): Promise<string> {
  const folder = new URL(".demo/", ROOT);
  await Deno.mkdir(folder, { recursive: true });
  return fromFileUrl(new URL("sessions.kv", folder));
}
