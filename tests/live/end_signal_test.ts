import { assertEquals } from "@std/assert";
import { EndSignal } from "../../src/live/end_signal.ts";

/** A signal, and how often it was said that nobody listens any more. */
function makeSignal() {
  const told = { unheard: 0 };
  class Counted extends EndSignal {
    protected override onUnheard() {
      told.unheard++;
    }
  }
  const end = new Counted();
  return { end, signal: end.signal, told };
}

const nothing = () => {};

Deno.test("EndSignal knows whether somebody listens, in whatever way", () => {
  const { end, signal, told } = makeSignal();
  assertEquals(end.isUnheard, true);
  signal.addEventListener("abort", nothing);
  signal.addEventListener("abort", nothing, { once: true });
  assertEquals([end.isUnheard, told.unheard], [false, 0]);
  signal.removeEventListener("abort", nothing);
  assertEquals([end.isUnheard, told.unheard], [true, 1]);
  signal.removeEventListener("abort", nothing);
  assertEquals(told.unheard, 1);

  const until = new AbortController();
  signal.addEventListener("abort", nothing, { signal: until.signal });
  const object = { handleEvent: nothing };
  signal.addEventListener("abort", object);
  until.abort();
  assertEquals([end.isUnheard, told.unheard], [false, 1]);
  signal.removeEventListener("abort", object);
  assertEquals([end.isUnheard, told.unheard], [true, 2]);
  signal.addEventListener("abort", nothing, { signal: until.signal });
  assertEquals(end.isUnheard, true, "a listener that was given up already");
  signal.onabort = nothing;
  signal.onabort = () => {};
  assertEquals(end.isUnheard, false);
  signal.onabort = null;
  assertEquals([end.isUnheard, told.unheard, signal.onabort], [true, 3, null]);
});

Deno.test("EndSignal calls the one handler of onabort that was set last", () => {
  const { end, signal } = makeSignal();
  const heard: unknown[] = [];
  signal.onabort = () => heard.push("first");
  signal.onabort = function (this: AbortSignal, event) {
    heard.push(event.type, this === signal, event.target === signal);
  };
  assertEquals(typeof signal.onabort, "function");
  end.abort("revoked");
  assertEquals(heard, ["abort", true, true]);
});

Deno.test("EndSignal is a signal like any other one", async () => {
  const { end, signal } = makeSignal();
  const heard: string[] = [];
  signal.addEventListener("abort", () => heard.push("listener"));
  signal.addEventListener("abort", () => heard.push("removed"), { signal: AbortSignal.abort() });
  signal.onabort = () => heard.push("onabort");
  const any = AbortSignal.any([signal, new AbortController().signal]);
  any.addEventListener("abort", () => heard.push("any"));
  const piping = new ReadableStream({ pull: () => new Promise(() => {}) })
    .pipeTo(new WritableStream(), { signal }).catch((error) => heard.push(`pipe: ${error}`));
  end.abort("revoked");
  end.abort("logout");
  await piping;
  assertEquals(heard.toSorted(), ["any", "listener", "onabort", "pipe: revoked"]);
  assertEquals([signal.aborted, signal.reason, any.reason], [true, "revoked", "revoked"]);
  assertEquals(Object.keys(signal), []);
});

Deno.test("EndSignal can be spied on, like any other signal", () => {
  const { end, signal } = makeSignal();
  const calls: string[] = [];
  for (const name of ["addEventListener", "removeEventListener"] as const) {
    const { [name]: before } = signal;
    signal[name] = (...args: Parameters<typeof before>) => {
      calls.push(name);
      Reflect.apply(before, signal, args);
    };
  }
  signal.addEventListener("abort", nothing);
  assertEquals(end.isUnheard, false);
  signal.removeEventListener("abort", nothing);
  assertEquals(end.isUnheard, true);
  assertEquals(calls, ["addEventListener", "removeEventListener"]);
  Object.defineProperty(signal, "onabort", { value: null });
});
