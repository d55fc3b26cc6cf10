import { LONGEST_LIFE } from "../../src/record/expiry.ts";
import type { SessionRecord } from "../../src/record/record.ts";
import type { SessionStore } from "../../src/store/contract.ts";
import {
  type ConformanceCase,
  type ConformanceClock,
  limited,
  makeKey,
  makeRecord,
  same,
  server,
  stateless,
  written,
} from "./case.ts";
import { indexed, makeSubject } from "./subject.ts";

/** The last time of a `Date`, in epoch milliseconds. */
const LATEST = 8.64e15;

/** The members whose texts vary in length, and a text of a given length for each. */
const TEXTS = {
  data: (text: string) => JSON.stringify({ text }),
  flash: (text: string) => JSON.stringify({ text }),
  meta: (text: string) => JSON.stringify({ text }),
  confirmed: (text: string) => JSON.stringify({ [text]: 1 }),
  provider: (text: string) => JSON.stringify({ issuer: text }),
  device: (text: string) => text,
  cookie: (text: string) => JSON.stringify({ path: text }),
  scope: (text: string) => text,
};

type Text = keyof typeof TEXTS;

/** Characters of one to three bytes, and one that JSON escapes twice. */
const CHARACTERS = ["x", "ż", "日", '"'];

/** Sizes around the limits of usual backends, in characters. */
const SIZES = [31_000, 32_600, 63_000, 65_400];

function isTooLarge(error: unknown): boolean {
  return (error as { code?: unknown } | null)?.code === "ERR_SESSION_TOO_LARGE";
}

function bytesOf(record: SessionRecord): number {
  return new TextEncoder().encode(JSON.stringify(record)).length;
}

/** Asserts that a new record is stored unchanged, or refused as too large if it is larger than the store declares. */
async function isKeptOrRefused(
  store: SessionStore,
  record: SessionRecord,
  { what, mayRefuse }: { what: string; mayRefuse: boolean },
): Promise<void> {
  const key = makeKey();
  try {
    const answer = await store.create(key, record);
    if (typeof answer !== "string") same(answer, true, `create: ${what}`);
    same(await store.read(typeof answer === "string" ? answer : key), record, `read: ${what}`);
  } catch (error) {
    if (!mayRefuse || !isTooLarge(error)) throw error;
    same(await store.read(key), undefined, `read of what is too large: ${what}`);
  }
  await store.delete(key);
}

/** Makes a record whose JSON has a given size in bytes. */
function filled(
  clock: ConformanceClock,
  { bytes, character }: { bytes: number; character: string },
): SessionRecord {
  const of = (text: string) => makeRecord(clock, { data: TEXTS.data(text) });
  const rest = bytes - bytesOf(of(""));
  const each = bytesOf(of(character)) - bytesOf(of(""));
  return of(character.repeat(Math.floor(rest / each)) + "x".repeat(rest % each));
}

/** The rules for the members of a record: its numbers, and the total size of its texts. */
export const memberCases: readonly ConformanceCase[] = [
  {
    name: "whole numbers come back as they were",
    needs: server,
    async run({ store, clock }) {
      const key = makeKey();
      const record = makeRecord(clock, {
        createdAt: 0,
        lastSeenAt: LATEST,
        renewedAt: -LATEST,
        expiresAt: clock.now() + LONGEST_LIFE * 1000,
        version: 2 ** 40,
        maxAge: LONGEST_LIFE,
        tokenAt: LATEST,
        graceUntil: LATEST,
        endsAt: LATEST,
        subject: makeSubject(),
        subjectAt: LATEST,
        generation: LATEST,
      });
      same(await store.create(key, record), true, "create");
      same(await store.read(key), record, "read");
      const next = { ...written(record, "{}"), generation: LATEST };
      same(await store.update(key, next, record), true, "update");
      same(await store.read(key), next, "read after update");
    },
  },
  {
    name: "a generation is a whole number, whatever the clock says",
    needs: indexed,
    async run({ store, clock }) {
      const subject = makeSubject();
      clock.advance(0.5);
      await store.deleteAll!(subject, {});
      same(Number.isSafeInteger(await store.generation!(subject)), true, "a safe integer");
    },
  },
  {
    name: "whatever makes a record large, it is kept whole or refused as too large",
    needs: server,
    async run({ store, clock }) {
      const others = (Object.keys(TEXTS) as Text[]).filter((name) => name !== "data");
      for (const character of CHARACTERS) {
        for (const size of SIZES) {
          // A little of each member besides the data, as every session may have.
          const little = Object.fromEntries(
            others.map((name) => [name, TEXTS[name](character.repeat(500))]),
          );
          const record = makeRecord(clock, { data: TEXTS.data(character.repeat(size)), ...little });
          const { maxBytes = Infinity } = store.capabilities;
          const what = `${size} of ${character} in the data`;
          await isKeptOrRefused(store, record, { what, mayRefuse: bytesOf(record) > maxBytes });
          for (const name of others) {
            const record = makeRecord(clock, { [name]: TEXTS[name](character.repeat(size)) });
            const what = `${size} of ${character} in ${name}`;
            await isKeptOrRefused(store, record, { what, mayRefuse: true });
          }
        }
      }
    },
  },
  {
    name: "whatever makes a record large, its token holds it whole or it is refused as too large",
    needs: stateless,
    async run({ store, clock }) {
      // A store whose tokens can be forged ignores confirmations.
      for (const name of (Object.keys(TEXTS) as Text[]).filter((name) => name !== "confirmed")) {
        for (const size of [500, 5000, 70_000]) {
          const record = makeRecord(clock, { [name]: TEXTS[name]("ż".repeat(size)) });
          const what = `${size} characters in ${name}`;
          await isKeptOrRefused(store, record, { what, mayRefuse: size > 500 });
        }
      }
    },
  },
  {
    name: "a record whose JSON is as large as maxBytes is kept",
    needs: limited,
    async run({ store, clock }) {
      for (const character of ["ż", '"']) {
        const bytes = store.capabilities.maxBytes!;
        const record = filled(clock, { bytes, character });
        const what = `${bytes} bytes of ${character}`;
        await isKeptOrRefused(store, record, { what, mayRefuse: false });
      }
    },
  },
];
