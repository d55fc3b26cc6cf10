import type { SessionRecord } from "@x/hono-session";
import type { FakeClock } from "./clock.ts";

/** A record that lives for an hour. */
export function makeRecord(clock: FakeClock, changes: Partial<SessionRecord> = {}): SessionRecord {
  const now = clock.now();
  return {
    format: 1,
    sid: "pXo9tUjcNKQGL1lXUmT0Nw",
    version: 1,
    data: "{}",
    createdAt: now,
    lastSeenAt: now,
    renewedAt: now,
    expiresAt: now + 3_600_000,
    ...changes,
  };
}
