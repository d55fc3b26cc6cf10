import type { RedisClient } from "./backends.ts";

/** What Redis has answered last, by command. */
export class Answers {
  /** A client that is answered by Redis, or from here. */
  readonly client: RedisClient;
  #isReplaying = false;

  constructor(client: RedisClient) {
    const last = new Map<string, Promise<unknown>>();
    const sendCommand = (args: string[], options?: object) => {
      const known = this.#isReplaying ? last.get(args[0]!) : undefined;
      if (known) return known;
      const answer = client.sendCommand(args, options);
      last.set(args[0]!, answer);
      return answer;
    };
    this.client = Object.create(client, { sendCommand: { value: sendCommand } });
  }

  /** Answers from here from now on: what a socket allocates depends on when its bytes come. */
  replay(): void {
    this.#isReplaying = true;
  }
}
