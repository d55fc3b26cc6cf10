import { fromFileUrl, ROOT } from "./paths.ts";

/** The processes of Deno that a task starts. SIGINT and SIGTERM end them, and none is started afterwards. */
export class DenoProcesses {
  /** What the environment of each says besides that of the task. */
  readonly env: Record<string, string> = {};

  #isInterrupted = false;
  readonly #running = new Set<Deno.ChildProcess>();

  constructor() {
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      Deno.addSignalListener(signal, () => {
        this.#isInterrupted = true;
        // A terminal interrupts them itself, and the demo stops at once when it is asked twice.
        if (signal === "SIGINT" && Deno.stdin.isTerminal()) return;
        for (const child of this.#running) child.kill(signal);
      });
    }
  }

  get isInterrupted(): boolean {
    return this.#isInterrupted;
  }

  /** Starts Deno, unless a signal came before. */
  start(args: string[], output: "inherit" | "piped"): Deno.ChildProcess | undefined {
    if (this.#isInterrupted) return undefined;
    const child = new Deno.Command(Deno.execPath(), {
      args,
      cwd: fromFileUrl(ROOT),
      env: this.env,
      stdout: output,
      stderr: output,
    }).spawn();
    this.#running.add(child);
    child.status.finally(() => this.#running.delete(child));
    return child;
  }

  /** Runs Deno, which shows its output itself, and returns whether it succeeded. */
  async run(args: string[]): Promise<boolean> {
    const child = this.start(args, "inherit");
    return child !== undefined && (await child.status).success;
  }
}
