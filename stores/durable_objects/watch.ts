import { isGivenReason } from "../../src/record/end_reason.ts";
import type { OnSessionEnd } from "../../src/store/contract.ts";
import { StoppableTimers } from "../../src/util/stoppable_timers.ts";
import type { DurableObjectSocketLike } from "./like.ts";
import type { Connection } from "./connection.ts";

/** How long a watcher waits before it connects again, in milliseconds: at first, and at most. */
const RETRY = 500;
const LONGEST_RETRY = 30_000;

/**
 * Notifies of the end or the move of a record over a WebSocket to its object. It connects again when the WebSocket is lost.
 *
 * @throws {Error} When the first connection fails.
 */
export async function watchRecord(
  connection: Connection,
  key: string,
  onEnd: OnSessionEnd,
): Promise<() => void> {
  const timers = new StoppableTimers();
  let socket: DurableObjectSocketLike;
  let lost: Promise<unknown>;
  const open = async () => {
    socket = await connection.listen(key);
    socket.addEventListener("message", ({ data }) => {
      onEnd(key, isGivenReason(data) ? data : undefined);
    });
    lost = new Promise((resolve) => {
      for (const type of ["close", "error"] as const) socket.addEventListener(type, resolve);
    });
    socket.accept();
    if (timers.areStopped) socket.close();
  };
  const follow = async () => {
    for (let wait = RETRY;; wait = Math.min(wait * 2, LONGEST_RETRY)) {
      await lost;
      socket.close();
      // All watchers of an object lose it at once.
      await timers.pause(wait * (0.5 + Math.random()));
      if (timers.areStopped) return;
      try {
        await open();
        wait = RETRY;
        // What ended in the meantime was missed.
        onEnd(key);
      } catch {
        // The record is also read at intervals, which reports that the object fails.
      }
    }
  };
  await open();
  follow();
  return () => {
    timers.stop();
    socket.close();
  };
}
