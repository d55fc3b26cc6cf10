import type { SessionRecord } from "../../src/record/record.ts";
import type { SessionStore, StoreWrite } from "../../src/store/contract.ts";
import type { Awaitable } from "../../src/util/awaitable.ts";
import {
  type CaseContext,
  type CaseNeeds,
  type ConformanceCase,
  HOUR,
  makeRecord,
  renewedTimes,
  same,
  stateless,
  written,
} from "./case.ts";
import { listed, loggedIn, makeBound, makeSubject, unbound } from "./subject.ts";

/** Requires a store that lists sessions, and can therefore end them. */
export function revocable(given: CaseNeeds): string | undefined {
  return stateless(given) ?? (given.index ? undefined : "the store has no index");
}

/** A session of a subject: its token, its record, and copies of the token that were used for writes. */
interface Copied {
  readonly token: string;
  readonly record: SessionRecord;
  readonly copies: readonly string[];
}

async function makeCopies({ store, clock }: CaseContext): Promise<Copied> {
  const record = makeBound(clock, makeSubject());
  const token = await store.create("", record) as string;
  const next = written(record, '{"step":2}');
  const second = await store.update(token, next, record) as string;
  const last = written(next, '{"step":3}');
  const third = await store.update(second, last, next) as string;
  const fourth = await store.touch(third, renewedTimes(clock), last) as string;
  return { token, record, copies: [token, second, third, fourth] };
}

/**
 * Asserts that copies identify no session and can't be written over. A trace shows whether the session
 * continues under another token.
 */
async function areInvalid(
  { store, clock }: CaseContext,
  { copies, record }: Copied,
  { what, goesOn }: { what: string; goesOn: boolean },
): Promise<void> {
  for (const [index, copy] of copies.entries()) {
    const which = `${what}: copy ${index}`;
    const { trace, data, subject, meta } = await store.read(copy) ?? {};
    const left = goesOn ? ["replaced", "{}"] : [undefined, undefined];
    same([trace, data, subject, meta], [...left, undefined, undefined], `read of ${which}`);
    same(await store.touch(copy, renewedTimes(clock), record), false, `touch of ${which}`);
    const next = written(record, "{}");
    same(await store.update(copy, next, record), false, `update of ${which}`);
    same(
      await store.replace(copy, { key: "", record: next }, record),
      false,
      `replace of ${which}`,
    );
  }
}

/** The operations that replace a token. */
const LEAVES: Record<
  string,
  (store: SessionStore, copied: Copied) => Awaitable<StoreWrite>
> = {
  replace: (store, { token, record }) =>
    store.replace(token, { key: "", record: written(record, "{}") }, record),
  "another subject": (store, { token, record }) =>
    store.update(
      token,
      loggedIn(record, { subject: makeSubject(), subjectAt: record.createdAt }),
      record,
    ),
  "no subject any more": (store, { token, record }) => store.update(token, unbound(record), record),
};

/** The operations that end a session. */
const ENDS: Record<string, (context: CaseContext, copied: Copied) => Awaitable<unknown>> = {
  delete: ({ store }, { token }) => store.delete(token),
  "delete of a listed key": async ({ store }, { record }) => {
    const [session] = await listed(store, record.subject!);
    await store.delete(session!.key);
  },
  deleteAll: ({ store }, { record }) => store.deleteAll!(record.subject!, {}),
};

/** The rules for stores whose token is the record. */
export const statelessCases: readonly ConformanceCase[] = [
  {
    name: "the token of a created record reads it",
    needs: stateless,
    async run({ store, clock }) {
      const record = makeRecord(clock, {
        flash: '{"notice":"żółć"}',
        maxAge: 60,
        browser: true,
        subject: "user:42",
        subjectAt: clock.now(),
        confirmed: `{"password":${clock.now()}}`,
      });
      const token = await store.create("", record);
      same(typeof token, "string", "the answer to create");
      const read = await store.read(token as string);
      // A store whose tokens can be forged ignores the subject and its confirmations.
      const { subject: _, subjectAt: __, confirmed: ___, ...anonymous } = record;
      same(read, read?.subject === undefined ? anonymous : record, "read");
    },
  },
  {
    name: "every write gives another token",
    needs: stateless,
    async run({ store, clock }) {
      const record = makeRecord(clock);
      const first = await store.create("", record) as string;
      const next = written(record, '{"step":2}');
      const second = await store.update(first, next, record) as string;
      same(await store.read(second), next, "read after update");
      const last = written(next, '{"step":3}');
      const third = await store.replace(second, { key: "", record: last }, next) as string;
      same(await store.read(third), last, "read after replace");
      clock.advance(1000);
      const times = renewedTimes(clock);
      const fourth = await store.touch(third, times, last) as string;
      same(await store.read(fourth), { ...last, ...times }, "read after touch");
      same(new Set([first, second, third, fourth]).size, 4, "different tokens");
    },
  },
  {
    name: "a token ends with its record",
    needs: stateless,
    async run({ store, clock }) {
      const token = await store.create("", makeRecord(clock)) as string;
      clock.advance(HOUR - 1);
      same((await store.read(token))?.version, 1, "version just before");
      clock.advance(1);
      same(await store.read(token), undefined, "read");
      same(await store.touch(token, renewedTimes(clock), makeRecord(clock)), false, "touch");
    },
  },
  {
    name: "a damaged token is rejected",
    needs: stateless,
    async run({ store, clock }) {
      const token = await store.create("", makeRecord(clock)) as string;
      for (
        const damaged of ["", "x", token.slice(1), token.slice(0, -1), `${token}A`, token.repeat(2)]
      ) {
        same(await store.read(damaged), undefined, `read of ${damaged.length} characters`);
      }
    },
  },
  {
    name: "a token that was replaced invalidates its copies, whatever was written with them",
    needs: revocable,
    async run(context) {
      for (const [what, leave] of Object.entries(LEAVES)) {
        const copied = await makeCopies(context);
        const token = await leave(context.store, copied);
        same(typeof token, "string", `the answer to ${what}`);
        same((await context.store.read(token as string))?.trace, undefined, `trace after ${what}`);
        same(
          (await context.store.read(token as string))?.sid,
          copied.record.sid,
          `sid after ${what}`,
        );
        await areInvalid(context, copied, { what, goesOn: true });
      }
    },
  },
  {
    name: "of concurrent replacements of a token one succeeds",
    needs: revocable,
    async run(context) {
      const { store } = context;
      for (const [what, leave] of Object.entries(LEAVES)) {
        const copied = await makeCopies(context);
        const leaving = copied.copies.map((token) => leave(store, { ...copied, token }));
        const tokens = (await Promise.all(leaving)).filter((answer) => answer !== false);
        same(tokens.length, 1, `how many succeeded: ${what}`);
        same((await store.read(tokens[0] as string))?.sid, copied.record.sid, `after ${what}`);
      }
    },
  },
  {
    name: "a session that was ended invalidates every copy of its tokens",
    needs: revocable,
    async run(context) {
      for (const [what, end] of Object.entries(ENDS)) {
        const copied = await makeCopies(context);
        await end(context, copied);
        await areInvalid(context, copied, { what, goesOn: false });
        same((await listed(context.store, copied.record.subject!)).length, 0, `list after ${what}`);
      }
    },
  },
];
