import process from "node:process";

// That none of them throws on import.
await import(new URL("every_entry_point.js", import.meta.url));

/** Tells the tests where the server listens, and ends with them. */
export function ready(url, close = () => {}) {
  console.log(`serving at ${url}`);
  process.stdin.resume().on("end", async () => {
    await close();
    process.exit();
  });
}
