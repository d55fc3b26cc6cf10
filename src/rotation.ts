import { decryptAesGcm, encryptAesGcm } from "@std/crypto/aes-gcm";
import { fromBase64Url, toBase64Url } from "./base64url.ts";
import type { BoundedStore } from "./bounded_store.ts";
import { isSessionRecord, type SessionRecord } from "./record.ts";
import type { Stored } from "./session_state.ts";
import { hashToken } from "./token.ts";

/** How long a rotated token is remembered after its grace, so that its reuse is noticed, in milliseconds. */
const REMEMBERED = 3_600_000;
/** How long an ended session is marked as such, should it not be deleted, in milliseconds. */
const ENDING = 60_000;

/** When tokens are rotated, in seconds. */
export interface RotationPolicy {
  readonly every: number;
  readonly grace: number;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Whether a token has had its time. */
export function isRotationDue(
  policy: RotationPolicy | undefined,
  record: SessionRecord,
  now: number,
): boolean {
  return policy !== undefined &&
    now - (record.tokenAt ?? record.createdAt) >= policy.every * 1000;
}

/**
 * What is left under the key of a rotated token: no data, and the successor in a form that only the old token
 * opens.
 */
export async function toMarker(
  { token, record }: { token: string; record: SessionRecord },
  { successor, grace, now }: { successor: string; grace: number; now: number },
): Promise<SessionRecord> {
  const graceUntil = now + grace * 1000;
  return {
    ...emptied(record),
    expiresAt: graceUntil + REMEMBERED,
    successor: await seal(successor, token),
    graceUntil,
  };
}

/** What is left of a session that is being ended: nothing opens it, and no rotation gives it a successor. */
export function toTombstone(record: SessionRecord, now: number): SessionRecord {
  return { ...emptied(record), expiresAt: now + ENDING, successor: "" };
}

/**
 * The session that a token leads to, over the successors of those that were rotated.
 *
 * @param now The time that the grace of none may be over at.
 * @returns `undefined` when the session has ended, or a grace is over.
 */
export async function follow(
  store: BoundedStore,
  { from, now }: { from: Stored; now: number },
  c: unknown,
): Promise<Stored | undefined> {
  let stored = from;
  while (stored.record.successor !== undefined) {
    const { successor, graceUntil = -Infinity } = stored.record;
    if (now >= graceUntil || stored.token === undefined) return undefined;
    const token = await unseal(successor, stored.token);
    if (token === undefined) return undefined;
    const key = await hashToken(token);
    const record = await store.read(key, c);
    if (!isSessionRecord(record)) return undefined;
    stored = { token, key, record };
  }
  return stored;
}

function emptied(record: SessionRecord): SessionRecord {
  const {
    flash: _,
    subject: __,
    subjectAt: ___,
    generation: ____,
    meta: _____,
    cookie: ______,
    ...rest
  } = record;
  return { ...rest, version: record.version + 1, data: "{}" };
}

/** The key that a token makes. It has nothing to do with the one that its session is kept under. */
async function keyOf(token: string): Promise<CryptoKey> {
  const bytes = encoder.encode(`hono-session successor\0${token}`);
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  return await crypto.subtle.importKey("raw", digest, "AES-GCM", false, ["encrypt", "decrypt"]);
}

async function seal(successor: string, token: string): Promise<string> {
  return toBase64Url(await encryptAesGcm(await keyOf(token), encoder.encode(successor)));
}

async function unseal(sealed: string, token: string): Promise<string | undefined> {
  const bytes = fromBase64Url(sealed);
  if (!bytes) return undefined;
  try {
    return decoder.decode(await decryptAesGcm(await keyOf(token), bytes));
  } catch {
    return undefined;
  }
}
