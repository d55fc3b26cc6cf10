import { type Browser, type BrowserContext, chromium } from "playwright-core";
import { requireOrSkip } from "./available.ts";

const CHROMIUM = findProgram([
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
]);

/** Chromium without its windows, which takes less than half of the CPU time. */
const HEADLESS_SHELL = findProgram(["/usr/bin/chromium-headless-shell"]);

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

/** Keys in software, for machines without a security chip, and any number of proofs. */
const DEVICE_BOUND_SESSIONS =
  "--enable-features=DeviceBoundSessions:RefreshQuota/false,EnableBoundSessionCredentialsSoftwareKeysForManualTesting";

/** Options of {@linkcode launchChromium}. */
export interface ChromiumOptions {
  /** Whether it must be the whole browser, which also fetches icons, and renders pages in advance. */
  readonly whole?: boolean;
}

/** Launches Chromium: its headless shell where that is installed and suffices. */
export async function launchChromium({ whole = false }: ChromiumOptions = {}): Promise<Browser> {
  const options = launchOptions([]);
  if (whole || HEADLESS_SHELL === undefined) return await chromium.launch(options);
  return await chromium.launch({ ...options, executablePath: HEADLESS_SHELL });
}

/** Options of {@linkcode launchBinding} and {@linkcode launchProfile}. */
export interface BindingOptions {
  /** The hash of the public key of the certificate that it trusts. */
  readonly keyHash: string;
  /** Whether it can bind sessions to its device. */
  readonly binds?: boolean;
}

/** Launches Chromium that can bind sessions. All hosts under `.test` are this machine. */
export async function launchBinding(options: BindingOptions): Promise<Browser> {
  return await chromium.launch(launchOptions(bindingArgs(options)));
}

/** The same, with a profile in a folder that can be used again. */
export async function launchProfile(
  folder: string,
  options: BindingOptions,
): Promise<BrowserContext> {
  return await chromium.launchPersistentContext(folder, launchOptions(bindingArgs(options)));
}

function bindingArgs({ keyHash, binds = true }: BindingOptions): string[] {
  return [
    ...(binds ? [DEVICE_BOUND_SESSIONS] : []),
    `--ignore-certificate-errors-spki-list=${keyHash}`,
    "--host-resolver-rules=MAP *.test 127.0.0.1",
  ];
}

function launchOptions(args: readonly string[]) {
  return {
    executablePath: CHROMIUM!,
    args: [...ARGS, ...args],
    // Or the tests would go on without a browser when they are told to stop.
    handleSIGHUP: false,
    handleSIGINT: false,
    handleSIGTERM: false,
  };
}

/** The first that is a program. The one that the environment names comes before all. */
function findProgram(paths: readonly string[]): string | undefined {
  return [Deno.env.get("CHROMIUM"), ...paths].find((path) => path !== undefined && isFile(path));
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
