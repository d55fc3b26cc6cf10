import fc from "fast-check";
import { METHODS } from "./model_confirmations.ts";
import type { Life } from "./model_history.ts";
import type { Op } from "./model_visit.ts";

const MAX_AGE = 1000;
/** Whose sessions there are. */
export const SUBJECTS = ["ada", "bob"];

/** How many processes share the store. */
export const PROCESSES = 2;

/** How a handler ends, and the status of the answer; `with a message`: that alone is to be left of what it did. */
export const ENDS = {
  "well": 200,
  "with 500": 500,
  "with an error": 500,
  "with a thrown 403": 403,
  "with a message": 303,
};

/**
 * What happens to a call of the store; `late`: it is done and answered as failed; `overdue`: it is answered as failed, and
 * done at some time after that.
 */
export type Fault = "fail" | "late" | "refuse" | "overdue";

/** One request of a program. */
export interface Request {
  /** Whose cookie jar it comes from; its answer goes there. */
  readonly client: number;
  /** The cookie: the client's own, a made up one, or one that was given out before, as a thief would have it. */
  readonly presents: "own" | "forged" | number;
  /** Which process answers. */
  readonly process: number;
  /** Seconds that the clocks go on before it. */
  readonly after: number;
  readonly ops: readonly Op[];
  readonly ends: keyof typeof ENDS;
  /** Whether it asks for a page, and not for an image. */
  readonly isPage: boolean;
  /** Whether the client gets the answer, gets it without cookies as it asked for a change only, or has left. */
  readonly answer: "arrives" | "is a 304" | "is lost";
  /** Which call of the store goes wrong, and how. */
  readonly fault: { readonly call: number; readonly kind: Fault } | undefined;
}

/** Requests, and who goes on at each step. */
export interface Program {
  readonly life: Omit<Life, "inCookies">;
  /** Whether the store has the clock of the second process, and not that of the first. */
  readonly isStoreAhead: boolean;
  readonly requests: readonly Request[];
  readonly choices: readonly number[];
}

const often = <Value>(value: Value, weight: number) => ({ weight, arbitrary: fc.constant(value) });

const subject = fc.constantFrom("ada", "ada", "bob");

const op: fc.Arbitrary<Op> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant("confirm"), method: fc.constantFrom(...METHODS) }),
  },
  {
    weight: 10,
    arbitrary: fc.record({
      do: fc.constantFrom("set" as const, "set" as const, "delete" as const),
      key: fc.constantFrom("a", "b"),
    }),
  },
  { weight: 2, arbitrary: fc.constant({ do: "nest" as const, key: "n" }) },
  { weight: 6, arbitrary: fc.constant({ do: "increment" as const }) },
  {
    weight: 10,
    arbitrary: fc.record({
      do: fc.constantFrom("flash", "renew", "regenerate", "save", "discard", "destroy", "start"),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("bind"),
      subject: fc.oneof({ weight: 4, arbitrary: subject }, often(undefined, 1)),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("revokeAll"), subject, keepsOwn: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.constant({ do: "revokeEverything" as const }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("list"), subject }) },
) as fc.Arbitrary<Op>;

const request: fc.Arbitrary<Request> = fc.record({
  client: fc.oneof(often(0, 4), often(1, 1)),
  presents: fc.oneof(
    often("own" as const, 8),
    often("forged" as const, 1),
    { weight: 3, arbitrary: fc.nat(3) },
  ),
  process: fc.nat(PROCESSES - 1),
  after: fc.oneof(often(0, 8), { weight: 3, arbitrary: fc.constantFrom(1, 31, 101, 600, MAX_AGE) }),
  ops: fc.oneof(
    {
      weight: 6,
      arbitrary: fc.uniqueArray(op, {
        maxLength: 3,
        selector: (op) => "key" in op ? op.key : op.do,
      }),
    },
    // A login, which two of at the same time would be rare.
    often([{ do: "regenerate" }, { do: "set", key: "a" }] as const, 1),
    often([{ do: "regenerate" }, { do: "bind", subject: "ada" }] as const, 1),
    often([{ do: "bind", subject: "ada" }, { do: "confirm", method: "otp" }] as const, 1),
  ),
  ends: fc.oneof(often("well" as const, 8), {
    weight: 3,
    arbitrary: fc.constantFrom(
      ...["with 500", "with an error", "with a thrown 403", "with a message"] as const,
    ),
  }),
  isPage: fc.oneof(often(true, 4), often(false, 1)),
  answer: fc.oneof(often("arrives" as const, 6), {
    weight: 2,
    arbitrary: fc.constantFrom("is a 304" as const, "is lost" as const),
  }),
  fault: fc.option(
    fc.record({
      call: fc.nat(3),
      kind: fc.constantFrom<Fault>("fail", "late", "refuse", "overdue"),
    }),
    { freq: 6, nil: undefined },
  ).map((fault) => fault),
});

const rotate = fc.record({ every: fc.constantFrom(0, 60), grace: fc.constantFrom(0, 30) });

const life: fc.Arbitrary<Omit<Life, "inCookies">> = fc.record({
  maxAge: fc.constant(MAX_AGE),
  absoluteMaxAge: fc.oneof(often(undefined, 3), often(1500, 1)),
  rolling: fc.boolean(),
  rotate: fc.oneof(often(undefined, 2), { weight: 1, arbitrary: rotate }),
  skew: fc.oneof(often(0, 3), often(30, 1), often(60, 1)),
});

/** Programs of requests by several clients, in any interleaving. */
export const programs: fc.Arbitrary<Program> = fc.record({
  life,
  isStoreAhead: fc.boolean(),
  requests: fc.array(request, { minLength: 1, maxLength: 8, size: "max" }),
  choices: fc.array(fc.nat(7), { maxLength: 60, size: "max" }),
});

/** Programs in which sessions rotate. */
export const rotatingPrograms: fc.Arbitrary<Program> = fc.tuple(programs, rotate).map(
  ([program, rotate]) => ({ ...program, life: { ...program.life, rotate } }),
);

/** What every program begins with, so that its clients have a session to share. */
export const FIRST: Request = {
  client: 0,
  presents: "own",
  process: 0,
  after: 0,
  ops: [{ do: "set", key: "a" }],
  ends: "well",
  isPage: true,
  answer: "arrives",
  fault: undefined,
};

export const LOOK: Request = { ...FIRST, ops: [] };

/** What `discard()` forgets. */
const FORGOTTEN = ["set", "delete", "nest", "flash", "renew", "confirm", "discard"];

/** Whether a request changes nothing, or nothing that it does not forget. */
export function isLook({ ops, ends }: Request): boolean {
  const isForgotten = ops.length === 0 || ops.at(-1)!.do === "discard";
  return isForgotten && ops.every((op) => FORGOTTEN.includes(op.do)) && ends !== "with a message";
}
