import { fromFileUrl, ROOT } from "../../scripts/paths.ts";

const MAIN = fromFileUrl(new URL("scripts/demo/main.ts", ROOT));
const END_WITH_PARENT = fromFileUrl(new URL("end_with_parent.ts", import.meta.url));
const ADDRESS_REGEXP = /https?:\/\/localhost:\d+/;

/** How long the demo may take to start or to stop, in milliseconds. */
const PATIENCE = 30_000;

/** The demo as a process of its own, which ends with the test. */
export class DemoProcess implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #kill = () => this.#signal("SIGKILL");
  /** Settles when all that the process printed was read. */
  readonly #printed: Promise<void>;
  #address = Promise.withResolvers<string>();
  #output = "";
  #hasEnded = false;

  /** @param environment What it is told beside the environment of the tests. */
  constructor(environment: { PORT: string; DEMO_KV: string } & Record<string, string>) {
    const importMap = Deno.env.get("HONO_SESSION_IMPORT_MAP");
    this.#child = new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "-A", "--quiet", `--preload=${END_WITH_PARENT}`],
        ...(importMap ? [`--import-map=${importMap}`] : []),
        MAIN,
      ],
      env: environment,
      stdin: "null",
      stdout: "piped",
    }).spawn();
    this.#printed = this.#read();
  }

  /** What the process printed so far. */
  get output(): string {
    return this.#output;
  }

  /** Where it serves, once it does. */
  async ready(): Promise<string> {
    return await this.#inTime(this.#address.promise);
  }

  /** Stops it as Ctrl+C does. */
  async stop(): Promise<Deno.CommandStatus> {
    this.#signal("SIGINT");
    return await this.#inTime(this.#ended());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#kill();
    await this.#ended();
  }

  async #ended(): Promise<Deno.CommandStatus> {
    const status = await this.#child.status;
    this.#hasEnded = true;
    await this.#printed;
    return status;
  }

  async #read(): Promise<void> {
    for await (const text of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
      this.#output += text;
      const [address] = ADDRESS_REGEXP.exec(this.#output) ?? [];
      if (address !== undefined) this.#address.resolve(address);
    }
    this.#address.reject(new Error(`The demo has ended without serving: ${this.#output}`));
  }

  async #inTime<Value>(promise: Promise<Value>): Promise<Value> {
    const timer = setTimeout(this.#kill, PATIENCE);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
    }
  }

  #signal(signal: Deno.Signal): void {
    if (!this.#hasEnded) this.#child.kill(signal);
  }
}
