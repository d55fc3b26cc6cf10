/**
 * Becomes the server, beside a watcher that kills it when the pipe to the tests is closed: by them, or by the system
 * when they are gone, however they ended.
 */
const WATCHED = 'exec 3<&0 >>"$0" 2>&1; (read -r _ <&3; kill -9 $$) & exec "$@" 3<&- </dev/null';

/** The ports to try, below those that the system gives to outgoing connections. */
const PORTS = { first: 20_000, count: 12_000 };
let tried = Math.floor(Math.random() * PORTS.count);

/** A port of 127.0.0.1 that nothing listens at, and that nobody in this process was given before. */
export function freePort(): number {
  for (;;) {
    const port = PORTS.first + tried++ % PORTS.count;
    try {
      Deno.listen({ hostname: "127.0.0.1", port }).close();
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
}

/** Sends a signal to processes, of which some may have ended meanwhile. */
export function signal(pids: number[], name: Deno.Signal): void {
  for (const pid of pids) {
    try {
      Deno.kill(pid, name);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound) && !(error instanceof TypeError)) throw error;
    }
  }
}

/** Suspends processes. A thread may run on for a moment after the signal, so that this waits until none does. */
export async function suspend(pids: number[]): Promise<void> {
  signal(pids, "SIGSTOP");
  while (pids.some(runs)) await new Promise((resolve) => setTimeout(resolve, 1));
}

function runs(pid: number): boolean {
  try {
    const threads = [...Deno.readDirSync(`/proc/${pid}/task`)];
    return threads.some(({ name }) =>
      !/\) [TZ] /.test(Deno.readTextFileSync(`/proc/${pid}/task/${name}/stat`))
    );
  } catch (error) {
    // It has ended meanwhile, or the system shows no threads.
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Starts a server that ends when its input is closed, and so never outlives the tests. */
export function spawnServer(
  command: string[],
  { folder, log = "/dev/null" }: { folder: string; log?: string },
): Deno.ChildProcess {
  return new Deno.Command("sh", {
    args: ["-c", WATCHED, log, ...command],
    cwd: folder,
    stdin: "piped",
    stdout: "null",
    stderr: "null",
  }).spawn();
}
