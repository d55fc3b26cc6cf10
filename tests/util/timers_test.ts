import { assert, assertEquals } from "@std/assert";
import { makeTimers, ownTimers, sharedTimers, type Timers } from "../../src/util/timers.ts";

const HOUR = 3_600_000;

/** What a test sees of the timers that the runtime was asked for, and how their time passes. */
interface Runtime {
  /** The delays of all of them. */
  readonly delays: number[];
  /** Passes time, in milliseconds. */
  pass(milliseconds: number): void;
}

/** Runs a test with alarms and a clock that it moves itself. */
function test(name: string, run: (runtime: Runtime) => void): void {
  Deno.test(name, () => {
    const { timeout } = AbortSignal;
    const { now } = performance;
    const alarms = new Set<{ at: number; controller: AbortController }>();
    const delays: number[] = [];
    let time = 1000;
    AbortSignal.timeout = (delay) => {
      delays.push(delay);
      const controller = new AbortController();
      alarms.add({ at: time + delay, controller });
      return controller.signal;
    };
    performance.now = () => time;
    const pass = (milliseconds: number) => {
      for (const end = time + milliseconds; time < end;) {
        time = Math.min(end, ...[...alarms].map(({ at }) => at));
        for (const alarm of alarms) {
          if (alarm.at > time) continue;
          alarms.delete(alarm);
          alarm.controller.abort();
        }
      }
    };
    try {
      run({ delays, pass });
    } finally {
      AbortSignal.timeout = timeout;
      performance.now = now;
    }
  });
}

function startAndStop(timers: Timers, count: number): void {
  for (let done = 0; done < count; done++) timers.stop(timers.start(() => {}));
}

test("timers share one that is set once in their duration, however many there are", ({ delays, pass }) => {
  const timers = sharedTimers(5000);
  for (let second = 0; second < 10; second++) {
    startAndStop(timers, 100);
    pass(1000);
  }
  assertEquals(delays, [5000, 5000]);
  pass(HOUR);
  assertEquals(delays.length, 2);
});

test("each of them fires when its time is up, unless it was stopped", ({ delays, pass }) => {
  const timers = sharedTimers(5000);
  const fired: string[] = [];
  const start = (name: string) => timers.start(() => fired.push(name));
  start("first");
  pass(2000);
  const stopped = start("stopped");
  start("second");
  pass(1000);
  start("third");
  timers.stop(stopped);
  pass(1999);
  assertEquals(fired, []);
  pass(1);
  assertEquals(fired, ["first"]);
  pass(1999);
  assertEquals(fired, ["first"]);
  pass(1);
  assertEquals(fired, ["first", "second"]);
  pass(1000);
  assertEquals(fired, ["first", "second", "third"]);
  assertEquals(delays, [5000, 2000, 1000]);
});

test("one that starts while the shared one is set, but nothing is running, has all of its time", ({ pass }) => {
  const timers = sharedTimers(5000);
  let fired = 0;
  startAndStop(timers, 1);
  pass(4999);
  timers.start(() => fired++);
  pass(4999);
  assertEquals(fired, 0);
  pass(1);
  assertEquals(fired, 1);
});

test("one that starts after the shared one has fired fires as well", ({ pass }) => {
  const timers = sharedTimers(5000);
  let fired = 0;
  startAndStop(timers, 1);
  pass(5000);
  timers.start(() => fired++);
  pass(5000);
  assertEquals(fired, 1);
});

test("one that another one starts when its time is up has time of its own, and no second one is set for it", ({ delays, pass }) => {
  const timers = sharedTimers(5000);
  const fired: string[] = [];
  const first = timers.start(() => {
    fired.push("first");
    timers.stop(first);
    timers.start(() => fired.push("next"));
  });
  pass(5000);
  assertEquals(fired, ["first"]);
  pass(4999);
  assertEquals(fired, ["first"]);
  pass(1);
  assertEquals(fired, ["first", "next"]);
  assertEquals(delays, [5000, 5000]);
});

test("any of them can be stopped, in any order and twice", ({ pass }) => {
  const timers = sharedTimers(5000);
  let fired = 0;
  const started = Array.from({ length: 4 }, () => timers.start(() => fired++));
  for (const at of [2, 0, 3, 2]) timers.stop(started[at]!);
  pass(5000);
  assertEquals(fired, 1);
  timers.stop(started[1]!);
  pass(5000);
  assertEquals(fired, 1);
});

test("one that throws when its time is up is reported, and keeps none of the others from firing", ({ pass }) => {
  const errors: unknown[] = [];
  const report = (event: ErrorEvent) => {
    event.preventDefault();
    errors.push(event.error);
  };
  addEventListener("error", report);
  try {
    const timers = sharedTimers(5000);
    const fired: string[] = [];
    const error = new Error("broken");
    timers.start(() => {
      throw error;
    });
    timers.start(() => fired.push("second"));
    pass(1000);
    timers.start(() => fired.push("third"));
    pass(5000);
    timers.start(() => fired.push("fourth"));
    pass(5000);
    assertEquals(fired, ["second", "third", "fourth"]);
    assertEquals(errors, [error]);
  } finally {
    removeEventListener("error", report);
  }
});

Deno.test({
  name: "timers that have stopped are no leak in a test that has ended",
  sanitizeOps: true,
  sanitizeResources: true,
  fn() {
    startAndStop(sharedTimers(HOUR), 10_000);
  },
});

for (const kind of ["sharedTimers", "ownTimers"]) {
  Deno.test(`${kind} keep a process alive until they stop`, async () => {
    assertEquals(
      await run(`
        import { ${kind} } from "${new URL("../../src/util/timers.ts", import.meta.url)}";
        const long = ${kind}(${HOUR});
        long.stop(long.start(() => {}));
        ${kind}(20).start(() => console.log("fired"));
      `),
      "fired\n",
    );
  });
}

/** Runs a program until it ends by itself, and returns its output. */
async function run(program: string): Promise<string> {
  const args = ["eval", "--quiet", "--no-config", program];
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args }).output();
  const decoder = new TextDecoder();
  assert(success, decoder.decode(stderr));
  return decoder.decode(stdout);
}

Deno.test("ownTimers fire when their time is up, unless they were stopped", async () => {
  const timers = ownTimers(5);
  const { promise, resolve } = Promise.withResolvers<void>();
  let stoppedFired = false;
  timers.stop(timers.start(() => stoppedFired = true));
  timers.start(resolve);
  await promise;
  assert(!stoppedFired);
});

test("timers are shared on Deno", ({ delays }) => {
  startAndStop(makeTimers(5000), 2);
  assertEquals(delays, [5000]);
});
