import { type Browser, chromium } from "playwright-core";
import { requireOrSkip } from "./available.ts";

const CHROMIUM = findChromium();
const ARGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Whether tests with a browser are to be skipped, for want of one. */
export function skipChromium(): boolean {
  return requireOrSkip("Chromium", CHROMIUM !== undefined, "apt-get install chromium");
}

export async function launchChromium(): Promise<Browser> {
  return await chromium.launch({
    executablePath: CHROMIUM!,
    args: ARGS,
    // Or the tests would go on without a browser when they are told to stop.
    handleSIGHUP: false,
    handleSIGINT: false,
    handleSIGTERM: false,
  });
}

function findChromium(): string | undefined {
  const paths = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
  return [Deno.env.get("CHROMIUM"), ...paths].find((path) => path !== undefined && isFile(path));
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
