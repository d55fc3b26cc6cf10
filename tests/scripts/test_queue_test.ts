import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fromFileUrl, ROOT } from "../../scripts/paths.ts";
import { LATEST } from "../_support/in_time.ts";

const QUEUE = fromFileUrl(new URL("tests/scripts/_queue.ts", ROOT));
const TASK = fromFileUrl(new URL("scripts/task.ts", ROOT));

/** What a test file can call. */
const PREAMBLE = `
/** Writes a line of the log. */
function log(line) {
  Deno.writeTextFileSync("log.txt", line + "\\n", { append: true });
}
async function logged(line) {
  const latest = Date.now() + ${LATEST};
  while (!Deno.readTextFileSync("log.txt").includes(line)) {
    if (Date.now() > latest) throw new Error("not logged: " + line);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
`;

const GOOD = `Deno.test("it is good", () => {});`;
const BAD = `Deno.test("it is bad", () => { throw new Error("planted"); });`;
const KILLED = `Deno.test("it is killed", () => Deno.kill(Deno.pid, "SIGKILL"));`;
const ENDLESS = `Deno.test("it never ends", async () => {
  log("started " + Deno.pid);
  await logged("never");
});`;

/** A folder with planted test files, from `a_test.ts` on, and a log. */
class Planted implements AsyncDisposable {
  readonly #folder: string;
  readonly files: string[];

  private constructor(folder: string, files: string[]) {
    this.#folder = folder;
    this.files = files;
  }

  static async create(...tests: string[]): Promise<Planted> {
    const folder = await Deno.makeTempDir({ prefix: "hono-session-queue-" });
    await Deno.writeTextFile(`${folder}/log.txt`, "");
    const files = tests.map((_, index) => `${folder}/${"abcdef"[index]}_test.js`);
    for (const [index, file] of files.entries()) {
      await Deno.writeTextFile(file, `Deno.chdir("${folder}");${PREAMBLE}${tests[index]}`);
    }
    return new Planted(folder, files);
  }

  /** Waits for that many lines of the log. */
  async logged(count: number): Promise<void> {
    for (const latest = Date.now() + LATEST; (await this.log()).length < count;) {
      assert(Date.now() < latest, "the planted tests have not begun");
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  async log(): Promise<string[]> {
    return (await Deno.readTextFile(`${this.#folder}/log.txt`)).split("\n").slice(0, -1);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#folder, { recursive: true });
  }
}

function start(args: string[]): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-config", ...args],
    env: { NO_COLOR: "1" },
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

async function ended(child: Deno.ChildProcess): Promise<{ code: number; text: string }> {
  const { code, stdout } = await child.output();
  return { code, text: new TextDecoder().decode(stdout) };
}

async function runQueue(jobs: number, ...tests: string[]): Promise<{ code: number; text: string }> {
  await using planted = await Planted.create(...tests);
  return await ended(start([QUEUE, String(jobs), ...planted.files]));
}

Deno.test("a process that is done takes the next file, and the output keeps the order of the files", async () => {
  await using planted = await Planted.create(
    `Deno.test("first", async () => { log("a"); await logged("c"); log("a ends"); });`,
    `Deno.test("second", async () => { await logged("a"); log("b"); });`,
    `Deno.test("third", () => log("c"));`,
  );
  const { code, text } = await ended(start([QUEUE, "2", ...planted.files]));
  assertEquals(await planted.log(), ["a", "b", "c", "a ends"]);
  assertMatch(
    text,
    /first \.\.\. ok[^]*second \.\.\. ok[^]*third \.\.\. ok[^]*\n3 passed, 0 failed\n$/,
  );
  assertEquals(code, 0);
});

Deno.test("a test that fails makes the run fail, and its error is shown at the end", async () => {
  const { code, text } = await runQueue(2, GOOD, BAD, GOOD);
  assertMatch(
    text,
    /\nit is bad => .*b_test\.js:\d+:\d+\nerror: Error: planted\n[^]*\n\n2 passed, 1 failed\n$/,
  );
  assertEquals(code, 1);
});

Deno.test("a file that can't be loaded makes the run fail", async () => {
  const { code, text } = await runQueue(2, GOOD, "nonsense(");
  assertMatch(text, /b_test\.js[^]*\n1 passed, 1 failed\n$/);
  assertEquals(code, 1);
});

Deno.test("a process that is killed makes the run fail, and the others go on", async () => {
  const { code, text } = await runQueue(1, KILLED, GOOD);
  assertMatch(text, /\nA process ended before its tests did: .*a_test\.js\n1 passed, 1 failed\n$/);
  assertEquals(code, 1);
});

Deno.test("a run without tests fails", async () => {
  const { code, text } = await runQueue(2, "");
  assertStringIncludes(text, "\n0 passed, 0 failed\n");
  assertEquals(code, 1);
});

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.test(`${signal} ends the processes that run, and none is started afterwards`, async () => {
    await using planted = await Planted.create(ENDLESS, ENDLESS, ENDLESS);
    const child = start([QUEUE, "2", ...planted.files]);
    await planted.logged(2);
    child.kill(signal);
    assertEquals((await ended(child)).code, 1);
    const started = (await planted.log()).map((line) => Number(line.split(" ")[1]));
    assertEquals(started.length, 2);
    assertEquals(await Promise.all(started.map(isAlive)), [false, false]);
  });
}

async function isAlive(pid: number): Promise<boolean> {
  return (await new Deno.Command("kill", { args: ["-0", String(pid)], stderr: "null" }).output())
    .success;
}

Deno.test("deno task test fails with a named file that fails, and passes with a filter that leaves it out", async () => {
  await using planted = await Planted.create(BAD + GOOD);
  const run = async (...args: string[]) => {
    const { code, text } = await ended(
      start([TASK, "test", "--no-check", ...planted.files, ...args]),
    );
    return { code, counts: text.split("\n").at(-2) };
  };
  assertEquals(await run(), { code: 1, counts: "1 passed, 1 failed" });
  assertEquals(await run("--filter", "good"), { code: 0, counts: "1 passed, 0 failed" });
  assertEquals(await run("--filter", "constructor"), { code: 1, counts: "0 passed, 0 failed" });
});
