import type { Context } from "hono";

/** Who is told of the streams that a handler answers with. */
export interface StreamWatcher {
  /** A stream has become the body of a response. */
  streamBegun(): void;
  /**
   * A stream is over.
   *
   * @param isWhole Whether it was read to its end: it may have failed, or the client may have gone away.
   */
  streamEnded(isWhole: boolean): void;
}

type Respond = (data: unknown, ...rest: unknown[]) => Response;

/** Watches the streams that become responses by Hono's means. What is sent stays the same, chunk by chunk. */
export function watchStreams(c: Context, watcher: StreamWatcher): void {
  const body = c.body as Respond;
  const newResponse = c.newResponse as Respond;
  const watched = (data: unknown) =>
    data instanceof ReadableStream ? watchEnd(data, watcher) : data;
  // As literals they would be kept, and the request with them, until all garbage is collected.
  const watchedBody: Respond = (data, ...rest) => body(watched(data), ...rest);
  const watchedResponse: Respond = (data, ...rest) => newResponse(watched(data), ...rest);
  c.body = watchedBody as typeof c.body;
  c.newResponse = watchedResponse as typeof c.newResponse;
}

function watchEnd(stream: ReadableStream, watcher: StreamWatcher): ReadableStream {
  const reader = stream.getReader();
  watcher.streamBegun();
  return new ReadableStream({
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        if (!done) return controller.enqueue(value);
      } catch (error) {
        watcher.streamEnded(false);
        throw error;
      }
      // Whoever reads it is to find everything done.
      watcher.streamEnded(true);
      controller.close();
    },
    async cancel(reason) {
      watcher.streamEnded(false);
      await reader.cancel(reason);
    },
  }, { highWaterMark: 0 });
}
