import { isPromiseLike } from "../../src/util/awaitable.ts";
import type { Command, Sender } from "./client.ts";
import { isCrossSlot, isRepeatable, isUnknownScript, notConnected, toError } from "./errors.ts";
import type { RedisClientLike } from "./like.ts";
import { isClosed } from "./mistakes.ts";
import type { Script } from "./script.ts";

/** The arguments of a script. */
export interface ScriptArguments {
  readonly keys: readonly string[];
  readonly args: readonly string[];
}

/** Options of {@linkcode Connection}. */
export interface ConnectionOptions {
  readonly client: RedisClientLike;
  readonly send: Sender;
  /** The clients whose server refused keys of several slots in one command: clusters. */
  readonly clusters: WeakSet<RedisClientLike>;
}

/** The connection of one operation. */
export class Connection {
  readonly #options: ConnectionOptions;
  readonly #signal: AbortSignal | undefined;

  /** @param signal Aborts commands that were not sent. */
  constructor(options: ConnectionOptions, signal?: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
  }

  /** Returns the same connection without the signal, for commands that must be sent in any case. */
  finishing(): Connection {
    return new Connection(this.#options);
  }

  /** Runs an operation in one step, or in several if a cluster refuses that. */
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

  /** Runs a script by its hash, or by its text if the server does not know it. */
  run(script: Script, given: ScriptArguments): Promise<unknown> {
    const found = script.sha1();
    return isPromiseLike(found)
      ? found.then((sha1) => this.#run(script, sha1, given))
      : this.#run(script, found, given);
  }

  #run(script: Script, sha1: string, { keys, args }: ScriptArguments): Promise<unknown> {
    const given = ["EVALSHA", sha1, String(keys.length)].concat(keys, args);
    return this.#send({ args: given, at: 3, keys: keys.length }, script.text);
  }

  /**
   * Sends a command.
   *
   * @param args Its name, its keys, and other arguments.
   * @param keys The number of keys.
   */
  send(args: string[], keys = 1): Promise<unknown> {
    return this.#send({ args, at: 1, keys });
  }

  /**
   * Sends a command, and retries once when the connection is dropped or the server is no longer the primary.
   *
   * @param text The text of a script that is sent by its hash.
   */
  async #send(command: Command, text?: string): Promise<unknown> {
    this.#signal?.throwIfAborted();
    for (let isRetry = false;; isRetry = true) {
      try {
        return toText(await this.#ask(command));
      } catch (cause) {
        const error = this.#toError(cause);
        if (!isRetry && !this.#signal?.aborted && isRepeatable(error)) continue;
        if (text === undefined || !isUnknownScript(error)) throw error;
        return await this.#send({ ...command, args: ["EVAL", text, ...command.args.slice(2)] });
      }
    }
  }

  #ask(command: Command): PromiseLike<unknown> {
    // Some closed clients queue commands and never settle them.
    if (isClosed(this.#options.client)) throw new Error("The client is closed");
    const answer: unknown = this.#options.send(command, this.#signal);
    if (isPromiseLike(answer)) return answer;
    throw new TypeError(
      "Cannot use RedisStore: the client returns no promise: it is in legacy mode, or a transaction",
    );
  }

  #toError(error: unknown): unknown {
    return isClosed(this.#options.client) ? notConnected(error) : toError(error);
  }
}

const decoder = new TextDecoder();

/** Converts bytes in a reply to texts. */
function toText(answer: unknown): unknown {
  if (Array.isArray(answer)) return answer.map(toText);
  return answer instanceof Uint8Array ? decoder.decode(answer) : answer;
}
