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

/** The same stream, chunk by chunk, with somebody who watches its end. */
export function watchEnd(stream: ReadableStream, watcher: StreamWatcher): ReadableStream {
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

/** Lets go of the body of a response that nobody gets. One that somebody else reads is theirs. */
export function cancelBody(response: Response | undefined): void {
  response?.body?.cancel().catch(() => {});
}
