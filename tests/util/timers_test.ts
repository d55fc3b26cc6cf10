import { assert, assertEquals } from "@std/assert";
import { Timers } from "../../src/util/timers.ts";

const TICKS = 20;
const MANY = 5000;

/** What a test sees of the timers of the runtime, and how it lets the common one tick. */
interface Runtime {
  readonly own: Set<unknown>;
  readonly common: Set<unknown>;
  readonly unrefed: string[];
  tick(count?: number): void;
  /** Goes on, in milliseconds. */
  advance(milliseconds: number): void;
}

/** Runs a test with timers that it moves itself. */
function test(name: string, run: (runtime: Runtime) => void): void {
  Deno.test(name, () => {
    const { setTimeout, clearTimeout, setInterval, clearInterval } = globalThis;
    const { now } = performance;
    const [own, common] = [new Set<unknown>(), new Set<unknown>()];
    const unrefed: string[] = [];
    let onTick = () => {};
    let time = 0;
    const add = (timers: Set<unknown>, kind: string) => {
      const timer = { unref: () => void unrefed.push(kind) };
      timers.add(timer);
      return timer;
    };
    Object.assign(globalThis, {
      setTimeout: () => add(own, "own"),
      clearTimeout: (timer: unknown) => own.delete(timer),
      setInterval: (callback: () => void) => (onTick = callback, add(common, "common")),
      clearInterval: (timer: unknown) => common.delete(timer),
    });
    Object.assign(performance, { now: () => time });
    const tick = (count = 1) => {
      while (count-- > 0 && common.size > 0) onTick();
    };
    try {
      run({ own, common, unrefed, tick, advance: (milliseconds) => void (time += milliseconds) });
    } finally {
      Object.assign(globalThis, { setTimeout, clearTimeout, setInterval, clearInterval });
      Object.assign(performance, { now });
    }
  });
}

function startAndStop(timers: Timers, count: number): void {
  for (let done = 0; done < count; done++) timers.stop(timers.start(() => {}));
}

/** Timers of which there are many, so that they are in common. */
function busy(duration = 5000): Timers {
  const timers = new Timers({ duration, keepsAlive: false });
  startAndStop(timers, 2 * MANY);
  return timers;
}

test("a few timers are timers of their own, and leave nothing behind", ({ own, common }) => {
  const timers = new Timers({ duration: 5000, keepsAlive: true });
  startAndStop(timers, MANY);
  assertEquals([own.size, common.size], [0, 0]);
  const timer = timers.start(() => {});
  assertEquals([own.size, common.size], [1, 0]);
  timers.stop(timer);
  assertEquals(own.size, 0);
});

test("a thousand timers a second have one in common, and it goes when they do", ({ own, common, tick }) => {
  const timers = busy();
  assertEquals([own.size, common.size], [0, 1]);
  const timer = timers.start(() => {});
  tick(3);
  assertEquals([own.size, common.size], [0, 1]);
  timers.stop(timer);
  tick();
  assertEquals(common.size, 0);
  startAndStop(timers, 1);
  assertEquals([own.size, common.size], [0, 0]);
});

test("fewer timers are no load", ({ common, advance }) => {
  const timers = new Timers({ duration: 5000, keepsAlive: false });
  for (let count = 0; count < 4; count++) {
    startAndStop(timers, MANY);
    advance(5001);
  }
  assertEquals(common.size, 0);
});

test("a timer in common is over after its time, never later and by a tick at most too early", ({ tick }) => {
  const timers = busy();
  const over: string[] = [];
  timers.start(() => over.push("first"));
  tick(TICKS / 2);
  timers.start(() => over.push("second"));
  const stopped = timers.start(() => over.push("stopped"));
  tick(TICKS / 2 - 1);
  assertEquals(over, []);
  tick();
  assertEquals(over, ["first"]);
  timers.stop(stopped);
  tick(TICKS / 2);
  assertEquals(over, ["first", "second"]);
});

test("short timers are never in common, as they would be over too early", ({ common }) => {
  busy(100);
  assertEquals(common.size, 0);
});

test("no timer keeps the process alive unless it is told to", ({ unrefed, own }) => {
  const timers = busy();
  startAndStop(timers, 1);
  assertEquals(new Set(unrefed), new Set(["own", "common"]));
  assertEquals(own.size, 0);
  const before = unrefed.length;
  startAndStop(new Timers({ duration: 5000, keepsAlive: true }), 3 * MANY);
  assert(unrefed.length === before);
});
