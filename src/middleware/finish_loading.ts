import type { Awaitable } from "../util/awaitable.ts";

/** A session that is being loaded. */
interface LoadingSession {
  load(): Awaitable<unknown>;
  finish(status: number): Awaitable<void>;
}

/** Finishes a request whose session is still being loaded. */
export async function finishLoading(session: LoadingSession, status: number): Promise<void> {
  try {
    await session.load();
  } catch {
    // The caller that loaded it got the error.
    return;
  }
  // Let the caller that loaded it continue first.
  await undefined;
  await session.finish(status);
}
