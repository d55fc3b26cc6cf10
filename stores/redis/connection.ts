import { isPromiseLike } from "../../src/util/awaitable.ts";
import { type RedisClientLike, send } from "./client.ts";
import { isCrossSlot, isDropped, isUnknownScript, toError } from "./errors.ts";
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
    const sha1 = await script.sha1();
    try {
      return await this.send(["EVALSHA", sha1, ...given], keys[0]!);
    } catch (error) {
      if (!isUnknownScript(error)) throw error;
      return await this.send(["EVAL", script.text, ...given], keys[0]!);
    }
  }

  /** Sends a command, and once more when the connection is dropped. */
  async send(args: string[], key: string = args[1]!): Promise<unknown> {
    const { client, signal } = this.#options;
    signal?.throwIfAborted();
    const ask = async () => {
      try {
        const answer: unknown = send(client, args, { key, signal });
        if (isPromiseLike(answer)) return await answer;
      } catch (error) {
        throw toError(error);
      }
      throw new TypeError(
        "Cannot use RedisStore: the client gives no promise, is it in legacy mode?",
      );
    };
    try {
      return await ask();
    } catch (error) {
      if (signal?.aborted || !isDropped(error)) throw error;
      return await ask();
    }
  }
}
