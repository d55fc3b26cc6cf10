import { type ConformanceCase, makeRecord, same } from "./case.ts";
import { revocable } from "./stateless.ts";
import { beginLogin, loggedIn, makeBound, makeSubject, refuses, SKEWS } from "./subject.ts";

/** The rules for logins to stores whose token is the record. */
export const statelessLoginCases: readonly ConformanceCase[] = [
  {
    name:
      "no token is made for a login before the end of all sessions, and one for a login after it",
    needs: revocable,
    async run({ store, clock }) {
      for (const ahead of [0, ...SKEWS]) {
        const [subject, anonymous] = [makeSubject(), makeRecord(clock)];
        const token = await store.create("", anonymous) as string;
        const login = await beginLogin(store, subject, clock.now() + ahead);
        await store.deleteAll!(subject, {});
        const late = loggedIn(anonymous, login);
        await refuses(() => store.create("", makeBound(clock, subject, login)), "create");
        await refuses(() => store.update(token, late, anonymous), "update");
        await refuses(() => store.replace(token, { key: "", record: late }, anonymous), "replace");
        same((await store.read(token))?.sid, anonymous.sid, "the token of the anonymous session");
        const later = await beginLogin(store, subject, clock.now() + ahead);
        const next = loggedIn(anonymous, later);
        const tokens = [
          await store.create("", makeBound(clock, subject, later)),
          await store.update(token, next, anonymous),
        ];
        for (const token of tokens) {
          same((await store.read(token as string))?.subject, subject, "read after a later login");
        }
      }
    },
  },
];
