// Starts workerd, with the compatibility flags that are its arguments.
// @ts-ignore -- the tests install it
import { buildSync } from "esbuild";
import { Miniflare } from "miniflare";
import process from "node:process";
import { SECRET } from "./app.js";
import { ready } from "./ready.js";

const PROGRAM = `
export * from "./worker.js";
export { default } from "./worker.js";
import { entryPoints } from "./every_entry_point.js";
globalThis.entryPoints = entryPoints;
`;

const { outputFiles: [bundle] } = buildSync({
  stdin: { contents: PROGRAM, resolveDir: import.meta.dirname },
  bundle: true,
  format: "esm",
  write: false,
});
const miniflare = new Miniflare({
  modules: true,
  script: bundle.text,
  compatibilityDate: "2025-01-01",
  compatibilityFlags: process.argv.slice(2),
  kvNamespaces: ["SESSION"],
  durableObjects: { SESSIONS: { className: "SessionObject", useSQLite: true } },
  bindings: { SECRET },
  // Otherwise it asks the network where on earth it is.
  cf: false,
});
ready((await miniflare.ready).origin, () => miniflare.dispose());
