import { isPromiseLike } from "../../src/util/awaitable.ts";
import type { Command, Sender } from "./client.ts";
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
  readonly send: Sender;
  /** The clients whose server refused keys of several slots in one command, as a cluster does. */
  readonly clusters: WeakSet<RedisClientLike>;
}

/** What one operation talks to Redis over. */
export class Connection {
  readonly #options: ConnectionOptions;
  readonly #signal: AbortSignal | undefined;

  /** @param signal Calls off what was not sent. */
  constructor(options: ConnectionOptions, signal?: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
  }

  /** The same, for what is to be done even when nobody waits for it any more. */
  finishing(): Connection {
    return new Connection(this.#options);
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
    const found = script.sha1();
    const sha1 = isPromiseLike(found) ? await found : found;
    const given = ["EVALSHA", sha1, String(keys.length), ...keys, ...args];
    try {
      return await this.#send({ args: given, at: 3, keys: keys.length });
    } catch (error) {
      if (!isUnknownScript(error)) throw error;
      return await this.#send({
        args: ["EVAL", script.text, ...given.slice(2)],
        at: 3,
        keys: keys.length,
      });
    }
  }

  /**
   * Sends a command.
   *
   * @param args Its name, its keys, and what else it is given.
   * @param keys How many keys it has.
   */
  send(args: string[], keys = 1): Promise<unknown> {
    return this.#send({ args, at: 1, keys });
  }

  /** Sends a command, and once more when the connection is dropped or leads to a primary that is none any more. */
  async #send(command: Command): Promise<unknown> {
    this.#signal?.throwIfAborted();
    try {
      return toText(await this.#ask(command));
    } catch (cause) {
      const error = this.#toError(cause);
      if (this.#signal?.aborted || !isDropped(error) && !isReadOnly(error)) throw error;
    }
    try {
      return toText(await this.#ask(command));
    } catch (error) {
      throw this.#toError(error);
    }
  }

  #ask(command: Command): PromiseLike<unknown> {
    // Some clients keep what they are asked then, and never answer.
    if (isClosed(this.#options.client)) throw new Error("The client is closed");
    const answer: unknown = this.#options.send(command, this.#signal);
    if (isPromiseLike(answer)) return answer;
    throw new TypeError(
      "Cannot use RedisStore: the client gives no promise, is it in legacy mode?",
    );
  }

  #toError(error: unknown): unknown {
    return isClosed(this.#options.client) ? notConnected(error) : toError(error);
  }
}

const decoder = new TextDecoder();

/** An answer with texts where the client gives bytes. */
function toText(answer: unknown): unknown {
  if (Array.isArray(answer)) return answer.map(toText);
  return answer instanceof Uint8Array ? decoder.decode(answer) : answer;
}
