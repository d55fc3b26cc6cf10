import type { Context } from "hono";
import { streamText } from "hono/streaming";

/** Answers with a stream that says "open ", and the reason of the end of a session when it has ended. */
export function streamUntilEnded(c: Context, session: { readonly ended: AbortSignal }): Response {
  return streamText(c, async (stream) => {
    const { ended } = session;
    const isOver = new Promise((resolve) => ended.addEventListener("abort", resolve));
    await stream.write("open ");
    await isOver;
    await stream.write(ended.reason);
  });
}
