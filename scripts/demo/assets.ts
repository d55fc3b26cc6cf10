import { Hono } from "hono";

const TYPES = {
  "style.css": "text/css; charset=utf-8",
  "counter.js": "text/javascript; charset=utf-8",
  "ended.js": "text/javascript; charset=utf-8",
  "icon.svg": "image/svg+xml",
};

/** Serves the files beside this one that pages ask for. */
export const assets: Hono = new Hono();

for (const [name, type] of Object.entries(TYPES)) {
  const file = await Deno.readFile(new URL(name, import.meta.url));
  assets.get(`/${name}`, (c) => c.body(file, 200, { "content-type": type }));
}
