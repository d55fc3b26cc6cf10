const URL_REGEXP = /^serving at (\S+)$/m;

/** How long a server may take to start or to stop, in milliseconds. */
const PATIENCE = 30_000;

/** Lets the server of an entry file, which chooses its port itself, listen at a free one, and end with the tests. */
export const ANY_PORT = `
import net from "node:net";

const { listen } = net.Server.prototype;
net.Server.prototype.listen = function () {
  return listen.call(this, 0, "127.0.0.1", () =>
    console.log("serving at http://127.0.0.1:" + this.address().port));
};
process.stdin.resume().on("end", () => process.exit());
`;

export interface ServerOptions {
  cwd: string;
  env?: Record<string, string>;
}

/** A server as a process of its own, which ends when its input does: with the test, however that ends. */
export class Server implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #printed: Promise<void>;
  readonly #url = Promise.withResolvers<string>();

  constructor(command: string[], options: ServerOptions) {
    const [program, ...args] = command;
    const pipes = { stdin: "piped", stdout: "piped" } as const;
    this.#child = new Deno.Command(program!, { args, ...options, ...pipes }).spawn();
    this.#printed = this.#read().finally(() =>
      this.#url.reject(new Error(`Cannot start server: ${command.join(" ")}`))
    );
  }

  /** Where it serves, once it does. */
  async url(): Promise<string> {
    return await this.#inTime(this.#url.promise);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child.stdin.close();
    await this.#inTime(this.#child.status);
    await this.#printed;
  }

  async #read(): Promise<void> {
    let output = "";
    for await (const text of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
      output += text;
      const [, url] = URL_REGEXP.exec(output) ?? [];
      if (url !== undefined) this.#url.resolve(url);
    }
  }

  async #inTime<Value>(promise: Promise<Value>): Promise<Value> {
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), PATIENCE);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
    }
  }
}
