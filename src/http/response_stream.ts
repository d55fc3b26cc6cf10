/** A listener for the streams of a response. */
export interface StreamWatcher {
  /** Called when a stream becomes the body of a response. */
  streamBegun(): void;
  /**
   * Called when a stream has ended.
   *
   * @param isWhole Whether it was read to its end; otherwise it failed, or the client went away.
   */
  streamEnded(isWhole: boolean): void;
}

/** Returns the same stream, chunk by chunk, and reports its end. */
export function watchEnd(stream: ReadableStream, watcher: StreamWatcher): ReadableStream {
  const reader = stream.getReader();
  let isRunning = true;
  const ended = (isWhole: boolean) => {
    // Cancelling it ends the read that is waiting as well.
    if (isRunning) watcher.streamEnded(isWhole);
    isRunning = false;
  };
  watcher.streamBegun();
  return new ReadableStream({
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        if (!done) return controller.enqueue(value);
      } catch (error) {
        ended(false);
        throw error;
      }
      // Everything must be done before the reader sees the end.
      ended(true);
      controller.close();
    },
    async cancel(reason) {
      ended(false);
      await reader.cancel(reason);
    },
  }, { highWaterMark: 0 });
}

/** Cancels the body of a response that is not sent. A body with another reader is left alone. */
export function cancelBody(response: Response | undefined): void {
  response?.body?.cancel().catch(() => {});
}
