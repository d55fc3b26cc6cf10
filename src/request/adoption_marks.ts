import { endedKey } from "../crypto/adopted_token.ts";
import { makeSid } from "../crypto/token.ts";
import { CLOCK_SKEW } from "../record/expiry.ts";
import { makeTrace } from "../record/trace.ts";
import type { Awaitable } from "../util/awaitable.ts";
import type { RequestConfig } from "./config.ts";

/** Stops the adoption of the sessions of a subject, or of all sessions. */
export async function endAdoption(
  config: RequestConfig,
  subject: string | undefined,
  c: unknown,
): Promise<void> {
  const { adopt, expiry, clock, records } = config;
  if (!adopt || !expiry.onServer) return;
  const expiresAt = adopt.until + CLOCK_SKEW;
  // By the clock of another server it may be earlier.
  if (clock() >= expiresAt) return;
  const key = await keyOf(config, subject);
  await records.create(key, makeTrace("ended", { sid: makeSid(), expiresAt }), c);
}

/** Checks whether the adoption of the sessions of a subject, or of all sessions, was stopped. */
export async function isAdoptionEnded(
  config: RequestConfig,
  subject: string | undefined,
  c: unknown,
): Promise<boolean> {
  const { expiry, generation } = config;
  if (!expiry.onServer) return false;
  if (generation && await isMarked(config, undefined, c)) return true;
  return subject !== undefined && await isMarked(config, subject, c);
}

async function isMarked(
  config: RequestConfig,
  subject: string | undefined,
  c: unknown,
): Promise<boolean> {
  return await config.records.read(await keyOf(config, subject), c) !== undefined;
}

function keyOf({ cookieName }: RequestConfig, subject: string | undefined): Awaitable<string> {
  return endedKey(subject === undefined ? ["everybody", cookieName] : [subject]);
}
