import type { SessionRecord, SessionTimes } from "../../src/record/record.ts";
import { traceOf } from "../../src/record/trace.ts";
import type { SessionStore, StoreCapabilities } from "../../src/store/contract.ts";
import type { Awaitable } from "../../src/util/awaitable.ts";
import type { Clock } from "../../src/util/clock.ts";

/**
 * A store under test, and its controls.
 *
 * @example Usage
 * ```ts
 * import type { StoreUnderTest } from "@x/hono-session/testing";
 * import { MapStore } from "@x/hono-session/stores/map";
 *
 * const under: StoreUnderTest = { store: new MapStore() };
 * console.log(under.store.capabilities);
 * ```
 */
export interface StoreUnderTest {
  /** The store. */
  store: SessionStore;
  /** Makes the backend fail from now on. Without it failures are not tested. */
  fail?(): Awaitable<void>;
  /** Makes the backend work again. Without it recovery is not tested. */
  recover?(): Awaitable<void>;
  /** Closes the store after a test. */
  close?(): Awaitable<void>;
}

/** A clock that a test sets. */
export class ConformanceClock {
  #now = Date.now();

  readonly now: Clock = () => this.#now;

  advance(milliseconds: number): void {
    this.#now += milliseconds;
  }
}

/** The context of a case. */
export type CaseContext = StoreUnderTest & { clock: ConformanceClock };

/** The properties of a store that decide whether a case applies. */
export type CaseNeeds = StoreCapabilities & {
  readonly canFail: boolean;
  readonly canRecover: boolean;
};

/** One rule of the contract. */
export interface ConformanceCase {
  readonly name: string;
  /** Returns the requirement that the store does not meet; `undefined` when it meets all. */
  needs(given: CaseNeeds): string | undefined;
  run(context: CaseContext): Promise<void>;
}

/** Requires a store on the server. */
export function server({ stateless }: CaseNeeds): string | undefined {
  return stateless ? "the client holds the record" : undefined;
}

/** Requires a store on the server that checks before it writes. */
export function strong(given: CaseNeeds): string | undefined {
  return server(given) ??
    (given.consistency === "strong" ? undefined : "the store is eventually consistent");
}

/** Requires a store whose token is the record. */
export function stateless(given: CaseNeeds): string | undefined {
  return given.stateless ? undefined : "the server holds the record";
}

/** Requires a store on the server that declares its largest record. */
export function limited(given: CaseNeeds): string | undefined {
  return server(given) ??
    (given.maxBytes === undefined ? "the store declares no maxBytes" : undefined);
}

/** The lifetime of a session in the cases, in milliseconds. */
export const HOUR = 3_600_000;

/** A record of version 1 that lives for an hour. */
export function makeRecord(
  clock: ConformanceClock,
  changes: Partial<SessionRecord> = {},
): SessionRecord {
  const now = clock.now();
  return {
    format: 1,
    sid: "pXo9tUjcNKQGL1lXUmT0Nw",
    version: 1,
    data: '{"name":"Ada"}',
    createdAt: now,
    lastSeenAt: now,
    renewedAt: now,
    expiresAt: now + HOUR,
    ...changes,
  };
}

/** Returns the record after one more write. */
export function written(record: SessionRecord, data: string): SessionRecord {
  return { ...record, data, version: record.version + 1 };
}

/** Returns a trace that leads to the session. */
export function leadingTraceOf(record: SessionRecord): SessionRecord {
  return { ...traceOf(record, "rotated"), successor: "sealed" };
}

/** Returns the times of a session that is renewed now for an hour. */
export function renewedTimes(clock: ConformanceClock): SessionTimes {
  const now = clock.now();
  return { lastSeenAt: now, renewedAt: now, expiresAt: now + HOUR };
}

let keys = 0;

/** Makes a valid key that no other case uses. */
export function makeKey(): string {
  return `${crypto.randomUUID().replaceAll("-", "")}${String(keys++).padStart(11, "0")}`;
}

/** Asserts that two values are equal, in any order of keys. */
export function same(actual: unknown, expected: unknown, what: string): void {
  const [is, should] = [sorted(actual), sorted(expected)];
  if (is !== should) throw new Error(`${what}: expected ${brief(should)}, got ${brief(is)}`);
}

/** Asserts that a promise rejects with an error that passes a check. */
export async function rejects(
  run: () => Awaitable<unknown>,
  passes: (error: unknown) => boolean,
  what: string,
): Promise<void> {
  let state = "it was fulfilled";
  try {
    await run();
  } catch (error) {
    if (passes(error)) return;
    state = `it was rejected with ${error}`;
  }
  throw new Error(`${what}: ${state}`);
}

function sorted(value: unknown): string {
  if (typeof value !== "object" || value === null) return String(JSON.stringify(value));
  return JSON.stringify(Object.entries(value).sort(([one], [other]) => one < other ? -1 : 1));
}

function brief(text: string): string {
  return text.length > 300 ? `${text.slice(0, 300)}… (${text.length} characters)` : text;
}
