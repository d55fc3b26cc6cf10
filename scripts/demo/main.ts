// Serves the demo on this machine, with its sessions in Deno KV on disk.
import { DenoKvStore } from "../../stores/deno_kv.ts";
import { fromFileUrl, ROOT } from "../paths.ts";
import { createApp } from "./app.ts";
import { listen } from "./listen.ts";
import { readSecret } from "./secret.ts";
import { stopSignal } from "./stop_signal.ts";

const path = Deno.env.get("DEMO_KV") ?? await defaultPath();
const store = new DenoKvStore({ path });
const stopping = new AbortController();
const secret = await readSecret(`${path}.secret`);
const app = createApp({ store, secret, stopping: stopping.signal });
const tls = await readCertificate();
const server = listen(app.fetch, { port: Deno.env.get("PORT"), tls });

console.log(`
The demo is at ${tls ? "https" : "http"}://localhost:${server.addr.port}

  Log in with any name, then look at your profile.
  Press "Add 20 at once" on the counter: it goes up by exactly 20.
  Log in with the same name in another browser, then look at your devices.
  Log the other one out there: its page says so by itself.
  Stop with Ctrl+C and start again: you are still logged in.
  Serve it on TLS, with the files DEMO_CERT and DEMO_KEY: Chrome and Edge on Windows and macOS
  bind your login to the device, and a copy of your cookies is worth nothing elsewhere.
  Try a window as narrow as a phone, light and dark.
  Use Chrome or Firefox: Safari may refuse secure cookies on localhost.
  Sessions are kept in ${path}
`);

await stopSignal();
stopping.abort();
// Deno waits without end for an HTTP/2 connection on which a browser has not asked for anything.
await Promise.race([server.shutdown(), new Promise((resolve) => setTimeout(resolve, 2000))]);
await store[Symbol.asyncDispose]();
console.log("Stopped.");
Deno.exit();

async function readCertificate(): Promise<{ cert: string; key: string } | undefined> {
  const [cert, key] = [Deno.env.get("DEMO_CERT"), Deno.env.get("DEMO_KEY")];
  if (cert === undefined || key === undefined) return undefined;
  return { cert: await Deno.readTextFile(cert), key: await Deno.readTextFile(key) };
}

async function defaultPath(): Promise<string> {
  const folder = new URL(".demo/", ROOT);
  await Deno.mkdir(folder, { recursive: true });
  return fromFileUrl(new URL("sessions.kv", folder));
}
