import { type ExpiryPolicy, isLive } from "./expiry.ts";
import type { SessionRecord } from "./record.ts";

/** The sessions that a middleware accepts. */
export interface AdmissionPolicy {
  readonly cookieName: string;
  /** Returns the scope of a request, such as its tenant. */
  readonly scope: ((c: unknown) => string) | undefined;
  readonly expiry: ExpiryPolicy;
}

/** A session that was found for a request. */
interface FoundSession {
  readonly stored: { readonly record: SessionRecord };
  /** The time at which the request arrived, in epoch milliseconds. */
  readonly receivedAt: number;
}

/**
 * Returns why a request must not use a session, whatever identifies it; `undefined` if it may. A session is valid only
 * for the cookie name and the scope in which it was created.
 */
export function rejectionOf(
  { cookieName, expiry, scope }: AdmissionPolicy,
  { stored: { record }, receivedAt }: FoundSession,
  c: unknown,
): "unknown" | "expired" | "scope" | undefined {
  if (expiry.onServer && record.cookieName !== cookieName) return "unknown";
  if (!isLive(expiry, record, receivedAt)) return "expired";
  return record.scope === scope?.(c) ? undefined : "scope";
}
