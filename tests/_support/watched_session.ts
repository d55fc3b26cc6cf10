import type { SessionManager } from "@x/hono-session";

/** The subject of watched sessions. */
export const ADA = "user:42";

/** The longest time between two polls, in seconds: what is noticed long before was pushed. */
export const RARELY = 50;

/** How long an end may take to be noticed on a machine that is busy, in milliseconds. */
export const LATEST = 15_000;

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
      let timer: ReturnType<typeof setTimeout> | undefined;
      const late = new Promise((resolve) => timer = setTimeout(resolve, LATEST));
      await Promise.race([isOver, late]);
      clearTimeout(timer);
      return performance.now() - start;
    },
  };
}
