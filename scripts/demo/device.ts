import type { Context } from "hono";

const BROWSERS: [RegExp, string][] = [
  [/Edg(e|A|iOS)?\//, "Edge"],
  [/OPR\//, "Opera"],
  [/SamsungBrowser\//, "Samsung Internet"],
  [/(Firefox|FxiOS)\//, "Firefox"],
  [/(Chrome|CriOS)\//, "Chrome"],
  [/Safari\//, "Safari"],
];
const SYSTEMS: [RegExp, string][] = [
  [/iPhone/, "iPhone"],
  [/iPad/, "iPad"],
  [/Android/, "Android"],
  [/Windows/, "Windows"],
  [/Mac OS X/, "macOS"],
  [/CrOS/, "ChromeOS"],
  [/Linux/, "Linux"],
];

/** A client may send whatever it likes. */
const LONGEST_USER_AGENT = 512;

/** What is known of a device: what a session keeps in its `meta`. */
export type Device = {
  name: string;
  address?: string;
};

/** Describes the device of a request in known words: nothing that it says of itself is kept. */
export function describeDevice(c: Context): Device {
  const userAgent = c.req.header("user-agent")?.slice(0, LONGEST_USER_AGENT) ?? "";
  const browser = find(BROWSERS, userAgent);
  const system = find(SYSTEMS, userAgent);
  const name = browser && system ? `${browser} on ${system}` : browser ?? system;
  const { remoteAddr }: Partial<Deno.ServeHandlerInfo<Deno.NetAddr>> = c.env ?? {};
  return {
    name: name ?? "Unknown device",
    ...(remoteAddr && { address: remoteAddr.hostname }),
  };
}

function find(known: [RegExp, string][], text: string): string | undefined {
  return known.find(([regexp]) => regexp.test(text))?.[1];
}
