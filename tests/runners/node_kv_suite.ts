import { strictEqual } from "node:assert";
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import process from "node:process";
import { test } from "node:test";
import { DenoKvStore, type KvLike } from "../../stores/deno_kv.ts";
import { storeConformance } from "../../stores/testing.ts";
import { FakeClock } from "../_support/clock.ts";
import { makeRecord } from "../_support/record.ts";

const { openKv }: { openKv(path: string): Promise<KvLike> } = createRequire(
  `${process.env["DENO_KV_FOLDER"]}/`,
)("@deno/kv");

const folder = mkdtempSync(`${tmpdir()}/hono-session-kv-`);
process.on("exit", () => rmSync(folder, { recursive: true }));
let databases = 0;

/** A new database of each kind, by its path. */
const PATHS: Record<string, () => string> = {
  "on disk": () => `${folder}/${databases++}.kv`,
  "in memory": () => "",
};

/** Closes a database that a test may have closed. */
function close(kv: KvLike): void {
  try {
    kv.close();
  } catch {
    // It is closed.
  }
}

for (const [name, path] of Object.entries(PATHS)) {
  storeConformance({
    name: `@deno/kv ${name}`,
    capabilities: new DenoKvStore().capabilities,
    canFail: true,
    test,
    async open(clock) {
      const kv = await openKv(path());
      return {
        store: new DenoKvStore({ kv, clock }),
        fail: () => kv.close(),
        close: () => close(kv),
      };
    },
    onSkip: () => {},
  });

  test(`@deno/kv ${name}: a session that lives long starts no timer that can't wait for it`, async () => {
    const warnings: string[] = [];
    const warn = ({ message }: Error) => warnings.push(message);
    process.on("warning", warn);
    const clock = new FakeClock(Date.now());
    const kv = await openKv(path());
    const store = new DenoKvStore({ kv, clock: clock.now });
    for (const days of [25, 30, 36_500]) {
      const expiresAt = clock.now() + days * 86_400_000;
      const record = makeRecord(clock, { expiresAt, subject: "user:42", subjectAt: clock.now() });
      strictEqual(await store.create(`${days}`, record), true);
    }
    // The timer would fire after a millisecond.
    await new Promise((resolve) => setTimeout(resolve, 50));
    for (const days of [25, 30, 36_500]) {
      strictEqual((await store.read(`${days}`))?.version, 1, `${days} days`);
    }
    close(kv);
    process.off("warning", warn);
    strictEqual(warnings.join("\n"), "");
  });

  test(`@deno/kv ${name}: keeps two-byte characters up to a value's limit beside meta`, async () => {
    const clock = new FakeClock();
    const kv = await openKv(path());
    const store = new DenoKvStore({ kv, clock: clock.now });
    const record = makeRecord(clock, { data: "ż".repeat(31_000), meta: "ż".repeat(2000) });
    strictEqual(await store.create("key", record), true);
    strictEqual((await store.read("key"))?.meta, record.meta);
    close(kv);
  });

  test(`@deno/kv ${name}: says that its database is closed`, async () => {
    const clock = new FakeClock();
    const kv = await openKv(path());
    const store = new DenoKvStore({ kv, clock: clock.now });
    const record = makeRecord(clock);
    await store.create("key", record);
    close(kv);
    const next = { ...record, version: 2 };
    for (const run of [() => store.read("key"), () => store.update("key", next, record)]) {
      const message = await run().then(() => "", ({ message }: Error) => message);
      strictEqual(
        message,
        "Cannot use DenoKvStore: its database is closed, keep it open while the app runs",
      );
    }
  });
}
