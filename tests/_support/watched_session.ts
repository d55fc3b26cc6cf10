import type { SessionManager } from "@x/hono-session";
import { inTime } from "./in_time.ts";

/** The subject of watched sessions. */
export const ADA = "user:42";

/** The longest time between two polls, in seconds: what is noticed long before was pushed. */
export const RARELY = 50;

/** A session that somebody listens to, and how long its end has taken. */
export async function watch({ sessions }: { sessions: SessionManager }) {
  const { cookie, sid } = await sessions.create({}, { subject: ADA });
  const headers = { cookie };
  const session = await sessions.open(new Request("https://app.test/", { headers }));
  const { ended } = session!;
  const isOver = new Promise((resolve) => ended.addEventListener("abort", resolve));
  return {
    sid,
    ended,
    async delay(): Promise<number> {
      const start = performance.now();
      await inTime(isOver);
      return performance.now() - start;
    },
  };
}
