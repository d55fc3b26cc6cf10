import type { DurableObjectSocketLike, DurableObjectStateLike } from "./like.ts";
import type { WatchOperations } from "./operations.ts";

/** The header that names the record to watch. */
export const KEY_HEADER = "session-key";

/** The longest key, in characters: the tag of a WebSocket has no more. */
const LONGEST_KEY = 256;

/** The two ends of a WebSocket of Workers. */
interface SocketPair {
  0: DurableObjectSocketLike;
  1: DurableObjectSocketLike;
}

/** The watchers of records in an object. Their WebSockets stay open while it hibernates. */
export class Watchers {
  readonly #state: DurableObjectStateLike;

  constructor(state: DurableObjectStateLike) {
    this.#state = state;
  }

  /** Opens the WebSocket of a watcher of a record. */
  open(key: string): Response {
    const { WebSocketPair } = globalThis as { WebSocketPair?: new () => SocketPair };
    if (!WebSocketPair || !this.#state.acceptWebSocket || key.length > LONGEST_KEY) {
      return new Response(null, { status: 400 });
    }
    const { 0: webSocket, 1: own } = new WebSocketPair();
    this.#state.acceptWebSocket(own, [key]);
    return new Response(null, { status: 101, webSocket } as ResponseInit);
  }

  /** Returns the WebSockets of the watchers of a record. */
  of(key: string): DurableObjectSocketLike[] {
    return this.#state.getWebSockets?.(key) ?? [];
  }

  report({ key, reason = "ended" }: Parameters<WatchOperations["report"]>[0]): true {
    for (const socket of this.of(key)) {
      try {
        socket.send(reason);
      } catch {
        // It is closed. The watcher opens another one.
      }
    }
    return true;
  }
}
