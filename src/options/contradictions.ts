import type { StoreCapabilities } from "../store/contract.ts";
import { refuse } from "../util/option_errors.ts";
import type { GivenOptions } from "./given_options.ts";

/** An option, the condition in which it contradicts other options or the store, and the reason or the way out. */
type Contradiction = readonly [
  name: string,
  is: (options: GivenOptions, store: StoreCapabilities) => unknown,
  state: string,
];

const withoutCookie = "there is no cookie, cookieName is false";

const CONTRADICTIONS: readonly Contradiction[] = [
  [
    "device",
    (o, { stateless }) => o.device && stateless,
    "a store on the server is required",
  ],
  [
    "device",
    (o) => o.device && o.secret === undefined,
    "secret is missing, which signs its proofs",
  ],
  ["device", (o) => o.device && o.cookieName === false, withoutCookie],
  [
    "device",
    (o) => o.device && o.rotate,
    "rotate gives sessions new tokens, which are not bound; leave rotate out, the binding replaces it",
  ],
  [
    "cookieOptions.partitioned",
    (o) => o.device && o.cookieOptions?.partitioned,
    "browsers bind no partitioned cookies, and device is on",
  ],
  [
    "device.initiators",
    (o) => typeof o.device === "object" && o.device.initiators?.some((one) => !isInitiator(one)),
    'a list of host names is required, such as "*", "example.com" or "*.example.com"',
  ],
  ["encoder", (o) => o.encoder && o.store, "give it to the store, not to the middleware"],
  [
    "secret",
    (o, { stateless }) => o.secret !== undefined && o.store && stateless,
    "give it to the cookie store, not to the middleware",
  ],
  [
    "rotate",
    (o, { atomic }) => o.rotate && !atomic,
    "a store on the server that is atomic is required; elsewhere call regenerate() at login",
  ],
  [
    "maxSessions",
    (o, { index }) => o.maxSessions && !index,
    "a store that lists the sessions of a subject is required",
  ],
  [
    "revokeEverything",
    (o, { atomic }) => o.revokeEverything && !atomic,
    "a store on the server that is atomic is required; sessions in cookies end when their secret changes",
  ],
  ["token", (o, { stateless }) => o.token && stateless, "a store on the server is required"],
  [
    "rotate",
    (o) => o.rotate && o.token,
    "a token that was handed out would not outlive the next rotation",
  ],
  [
    "token.secret",
    (o) => o.token && (o.token.secret ?? o.secret) === undefined,
    "it is missing, and so is secret",
  ],
  ["token.header", (o) => /^cookie$/i.test(o.token?.header ?? ""), "that is where cookies are"],
  [
    "cookieName",
    (o) => o.cookieName === false && !o.token,
    "without a cookie, token is required",
  ],
  [
    "cookieOptions",
    (o) => o.cookieName === false && Object.keys(o.cookieOptions ?? {}).length > 0,
    withoutCookie,
  ],
  [
    "existsCookieName",
    (o) => o.cookieName === false && o.existsCookieName !== undefined,
    withoutCookie,
  ],
  ["adopt", (o) => o.cookieName === false && o.adopt, withoutCookie],
  ["persistent", (o) => o.cookieName === false && o.persistent !== undefined, withoutCookie],
  [
    "existsCookieOptions",
    (o) => o.existsCookieOptions && o.existsCookieName === undefined,
    "existsCookieName is missing",
  ],
];

/** A host name, with or without a wildcard for its subdomains, or a wildcard for all hosts. */
function isInitiator(value: unknown): boolean {
  return typeof value === "string" && /^(?:\*|(?:\*\.)?[\w-]+(?:\.[\w-]+)*)$/.test(value);
}

/** @throws {TypeError} When options contradict each other or the store. */
export function checkContradictions(options: GivenOptions, store: StoreCapabilities): void {
  for (const [name, is, state] of CONTRADICTIONS) {
    if (is(options, store)) refuse(name, state);
  }
}
