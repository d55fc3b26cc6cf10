import { isPromiseLike } from "../../src/util/awaitable.ts";
import { type Command, send } from "./client.ts";
import {
  isCrossSlot,
  isDropped,
  isReadOnly,
  isUnknownScript,
  notConnected,
  toError,
} from "./errors.ts";
import type { RedisClientLike } from "./like.ts";
import { isClosed } from "./mistakes.ts";
import type { Script } from "./script.ts";

/** What a script is run with. */
export interface ScriptArguments {
  readonly keys: readonly string[];
  readonly args: readonly string[];
}

/** What a {@linkcode Connection} sends with. */
export interface ConnectionOptions {
  readonly client: RedisClientLike;
  /** Calls off what was not sent. */
  readonly signal?: AbortSignal | undefined;
  /** The clients whose server refused keys of several slots in one command, as a cluster does. */
  readonly clusters: WeakSet<RedisClientLike>;
}

/** What one operation talks to Redis over. */
export class Connection {
  readonly #options: ConnectionOptions;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  /** The same, for what is to be done even when nobody waits for it any more. */
  finishing(): Connection {
    return new Connection({ ...this.#options, signal: undefined });
  }

  /** Does something in one step or, where a cluster refuses that, in several. */
  async atOnce<Result>(
    once: () => Promise<Result>,
    inSteps: () => Promise<Result>,
  ): Promise<Result> {
    const { client, clusters } = this.#options;
    if (!clusters.has(client)) {
      try {
        return await once();
      } catch (error) {
        if (!isCrossSlot(error)) throw error;
        clusters.add(client);
      }
    }
    return await inSteps();
  }

  /** Runs a script by its hash, or by its text where the server does not know it. */
  async run(script: Script, { keys, args }: ScriptArguments): Promise<unknown> {
    const given = [String(keys.length), ...keys, ...args];
    const places = { at: 3, keys: keys.length };
    const sha1 = await script.sha1();
    try {
      return await this.#send({ args: ["EVALSHA", sha1, ...given], ...places });
    } catch (error) {
      if (!isUnknownScript(error)) throw error;
      return await this.#send({ args: ["EVAL", script.text, ...given], ...places });
    }
  }

  /**
   * Sends a command.
   *
   * @param args Its name, its keys, and what else it is given.
   * @param keys How many keys it has.
   */
  async send(args: string[], keys = 1): Promise<unknown> {
    return await this.#send({ args, at: 1, keys });
  }

  /** Sends a command, and once more when the connection is dropped or leads to a primary that is none any more. */
  async #send(command: Command): Promise<unknown> {
    const { client, signal } = this.#options;
    signal?.throwIfAborted();
    const ask = async () => {
      // Some clients keep what they are asked then, and never answer.
      if (isClosed(client)) throw notConnected();
      try {
        const answer: unknown = send(client, command, signal);
        if (isPromiseLike(answer)) return toText(await answer);
      } catch (error) {
        throw isClosed(client) ? notConnected(error) : toError(error);
      }
      throw new TypeError(
        "Cannot use RedisStore: the client gives no promise, is it in legacy mode?",
      );
    };
    try {
      return await ask();
    } catch (error) {
      if (signal?.aborted || !isDropped(error) && !isReadOnly(error)) throw error;
      return await ask();
    }
  }
}

const decoder = new TextDecoder();

/** An answer with texts where the client gives bytes. */
function toText(answer: unknown): unknown {
  if (Array.isArray(answer)) return answer.map(toText);
  return answer instanceof Uint8Array ? decoder.decode(answer) : answer;
}
