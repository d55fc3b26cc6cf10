import { type ConformanceCase, makeKey, same } from "./case.ts";
import { indexed, lists, makeBound, makeSubject } from "./subject.ts";

/** The rules for the names of subjects. */
export const subjectNameCases: readonly ConformanceCase[] = [
  {
    name: "any text can be a subject",
    needs: indexed,
    async run({ store, clock }) {
      const one = makeSubject();
      const subjects = [
        one,
        one.toUpperCase(),
        `${one} `,
        ...[":", "/", "#", "|", "\0", "\n", "*", "?", "%", "{", "}", "{a}", "[a]", "'", '"', "\\"]
          .flatMap((text) => [`${one}${text}`, `${text}${one}`]),
        `${one}é`,
        `${one}e\u0301`,
        `${one}żółć 日本語 🦕`,
        one.padEnd(256, "日"),
        one.padEnd(255, "日"),
      ];
      const keys = new Map(subjects.map((subject) => [subject, makeKey()]));
      for (const [subject, key] of keys) await store.create(key, makeBound(clock, subject));
      for (const [subject, key] of keys) {
        const what = `of ${JSON.stringify(subject)}`;
        await lists(store, subject, [key], what);
        same(await store.deleteAll!(subject, {}), 1, `ended ${what}`);
        await lists(store, subject, [], what);
      }
    },
  },
];
