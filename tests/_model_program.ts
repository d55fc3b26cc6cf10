import {
  type Clock,
  session,
  SessionConflictError,
  SessionEndedError,
  type SessionOptions,
  type SessionStore,
  SessionStoreError,
  startSession,
} from "@x/hono-session";
import { FaultyStore, type StoreOperation } from "@x/hono-session/testing";
import fc from "fast-check";
import { type Context, Hono } from "hono";
import { HTTPException } from "hono/http-exception";
import { FakeClock } from "./_clock.ts";
import { type Life, Model, type Op, type Visit } from "./_model.ts";
import { Schedule } from "./_model_schedule.ts";

const MAX_AGE = 1000;
/** How many requests run at the same time. */
const AT_ONCE = 4;
/** How many processes share the store. */
const PROCESSES = 2;

/** How a handler ends, and the status of the answer; `with a message`: that alone is to be left of what it did. */
const ENDS = {
  "well": 200,
  "with 500": 500,
  "with an error": 500,
  "with a thrown 403": 403,
  "with a message": 303,
};

/** What an application throws where a form is not filled in as it should be. */
class InvalidForm extends Error {}

/** What happens to a call of the store; `overdue`: it is answered as failed, and done at some time after that. */
type Fault = "fail" | "late" | "refuse" | "overdue";

/** One request of a program. */
interface Request {
  /** Whose cookie jar it comes from; its answer goes there. */
  readonly client: number;
  /** The cookie: the client's own, a made up one, or one that was given out before, as a thief would have it. */
  readonly presents: "own" | "forged" | number;
  /** Which process answers. */
  readonly process: number;
  /** Seconds that the clock goes on before it. */
  readonly after: number;
  readonly ops: readonly Op[];
  readonly ends: keyof typeof ENDS;
  /** Whether it asks for a page, and not for an image. */
  readonly isPage: boolean;
  /** Which call of the store goes wrong, and how. */
  readonly fault: { readonly call: number; readonly kind: Fault } | undefined;
}

/** Requests, and who goes on at each step. */
export interface Program {
  readonly life: Life;
  readonly requests: readonly Request[];
  readonly choices: readonly number[];
}

/** What the store of one run is given. */
export interface World {
  readonly clock: Clock;
  /** Waits in the middle of an operation, so that other requests can go on. */
  readonly pause: (name: string) => Promise<void>;
  /** Waits when the operation is over. */
  readonly later: (name: string) => Promise<void>;
}

/** Opens the store of one run. */
export type OpenStore = (world: World) => SessionStore | Promise<SessionStore>;

const op: fc.Arbitrary<Op> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constantFrom("set" as const, "set" as const, "delete" as const),
      key: fc.constantFrom("a", "b"),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ do: "nest" as const, key: "n" }) },
  { weight: 3, arbitrary: fc.constant({ do: "increment" as const }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom("flash", "renew", "regenerate", "discard", "destroy", "start"),
    }),
  },
) as fc.Arbitrary<Op>;

const often = <Value>(value: Value, weight: number) => ({ weight, arbitrary: fc.constant(value) });

const request: fc.Arbitrary<Request> = fc.record({
  client: fc.oneof(often(0, 4), often(1, 1)),
  presents: fc.oneof(
    often("own" as const, 8),
    often("forged" as const, 1),
    { weight: 3, arbitrary: fc.nat(3) },
  ),
  process: fc.nat(PROCESSES - 1),
  after: fc.oneof(often(0, 8), { weight: 3, arbitrary: fc.constantFrom(1, 31, 101, 600, MAX_AGE) }),
  ops: fc.uniqueArray(op, {
    maxLength: 3,
    selector: (op) => "key" in op ? op.key : op.do,
  }),
  ends: fc.oneof(often("well" as const, 8), {
    weight: 3,
    arbitrary: fc.constantFrom(
      ...["with 500", "with an error", "with a thrown 403", "with a message"] as const,
    ),
  }),
  isPage: fc.oneof(often(true, 4), often(false, 1)),
  fault: fc.option(
    fc.record({
      call: fc.nat(3),
      kind: fc.constantFrom<Fault>("fail", "late", "refuse", "overdue"),
    }),
    { freq: 6, nil: undefined },
  ).map((fault) => fault),
});

const life: fc.Arbitrary<Life> = fc.record({
  maxAge: fc.constant(MAX_AGE),
  absoluteMaxAge: fc.oneof(often(undefined, 3), often(1500, 1)),
  rolling: fc.boolean(),
  rotate: fc.oneof(
    often(undefined, 2),
    {
      weight: 1,
      arbitrary: fc.record({ every: fc.constantFrom(0, 60), grace: fc.constantFrom(0, 30) }),
    },
  ),
});

/** Programs of requests by several clients, in any interleaving. */
export const programs: fc.Arbitrary<Program> = fc.record({
  life,
  requests: fc.array(request, { minLength: 1, maxLength: 8, size: "max" }),
  choices: fc.array(fc.nat(7), { maxLength: 60, size: "max" }),
});

/** What every program begins with, so that its clients have a session to share. */
const FIRST: Request = {
  client: 0,
  presents: "own",
  process: 0,
  after: 0,
  ops: [{ do: "set", key: "a" }],
  ends: "well",
  isPage: true,
  fault: undefined,
};

const LOOK: Request = { ...FIRST, ops: [] };

type App = Pick<Hono, "request">;

/** A fault that is put into sessions, for the model to find. */
export interface SessionBug {
  readonly options?: Pick<SessionOptions, "commitOnError">;
  /** Whether it doesn't see what is no page. */
  readonly isBlind?: boolean;
  /** In the place of `discard()`. */
  readonly discard?: (session: Loose) => void;
  /** Done to the session before a handler refuses. */
  readonly refusing?: (session: Loose) => void;
}

/** A session as programs use it. */
export type Loose = Record<string, unknown> & {
  isNew: boolean;
  sid: string;
  destroy(): void;
  renew(): void;
  regenerate(): Promise<void>;
  flash(key: string, value: unknown): void;
  discard(): void;
  update(key: string, change: (value: number) => number): Promise<number>;
};

/** Runs a program over a store, and fails when an answer breaks a rule of the model. */
export async function play(program: Program, open: OpenStore, bug: SessionBug = {}): Promise<void> {
  const run = new Run(program, bug);
  try {
    await run.play(open);
  } catch (error) {
    if (error instanceof Error) error.message += `\n${run.trace.join("\n")}`;
    throw error;
  }
}

/** One run of a program. */
class Run {
  /** What happened, in order, for whoever reads a counterexample. */
  readonly trace: string[] = [];
  readonly #program: Program;
  readonly #bug: SessionBug;
  readonly #clock = new FakeClock();
  readonly #schedule = new Schedule();
  readonly #model: Model;
  readonly #visits: { visit: Visit; request: Request }[] = [];
  readonly #jars: (string | undefined)[] = [];
  #apps: App[] = [];
  #running = 0;
  #failure: unknown;

  constructor(program: Program, bug: SessionBug) {
    this.#program = program;
    this.#bug = bug;
    this.#model = new Model(program.life, this.#clock.now);
    this.trace.push(describe(program.life));
  }

  async play(open: OpenStore): Promise<void> {
    const schedule = this.#schedule;
    using _ = schedule.control();
    let turns = 0;
    const store = this.#gated(
      await open({
        clock: this.#clock.now,
        pause: (name) => schedule.pause(`${name} ${++turns}`),
        later: (name) => schedule.wait(`${name} ${++turns}`),
      }),
    );
    this.#apps = Array.from({ length: PROCESSES }, () => this.#makeApp(store));
    await this.#alone(FIRST);
    await this.#together(this.#program.requests, [...this.#program.choices]);
    await this.#look();
    if (!this.#program.life.rotate) return;
    this.#clock.advance(this.#program.life.rotate.grace);
    await this.#look();
  }

  /** Sees what every token opens in the end. */
  async #look(): Promise<void> {
    const tokens = [...this.#model.tokens.keys()];
    for (const presents of tokens.keys()) await this.#alone({ ...LOOK, presents });
    await this.#alone({ ...LOOK, presents: "forged" });
  }

  async #alone(request: Request): Promise<void> {
    await this.#together([request], []);
  }

  /** Runs requests, and lets the choices say who goes on; without one, whoever waits goes before who begins. */
  async #together(requests: readonly Request[], choices: number[]): Promise<void> {
    const schedule = this.#schedule;
    for (let next = 0;;) {
      if (this.#failure) throw this.#failure;
      const begins = next < requests.length && this.#running < AT_ONCE;
      const actions = [...schedule.waiting, ...(begins ? [""] : [])];
      if (actions.length === 0) break;
      const action = actions[(choices.shift() ?? 0) % actions.length]!;
      if (action) await schedule.go(action);
      else {
        this.#begin(requests[next++]!);
        await schedule.settled();
      }
    }
    if (this.#running) throw new Error("Broken: a request is stuck");
  }

  #begin(request: Request): void {
    this.#clock.advance(request.after);
    const presented = this.#cookie(request);
    const { isPage } = request;
    const visit = this.#model.begin(presented, { isLook: isLook(request), isPage });
    const id = this.#visits.push({ visit, request }) - 1;
    const { client, process, after, ops, ends } = request;
    this.trace.push(
      `r${id} begins: client ${client}, process ${process}, +${after} s, ` +
        `${this.#name(presented)}, ${isPage ? "page" : "image"}, ${
          ops.map(describe).join(", ") || "read"
        }, ends ${ends}`,
    );
    this.#running++;
    const headers = {
      "x-visit": String(id),
      ...(isPage || this.#bug.isBlind ? {} : { "sec-fetch-dest": "image" }),
      ...(presented === undefined ? {} : { cookie: `sid=${presented}` }),
    };
    Promise.resolve(this.#apps[process]!.request("/", { headers }))
      .then((response) => this.#end(id, response))
      .catch((error) => this.#failure ??= error)
      .finally(() => this.#running--);
  }

  #cookie({ client, presents }: Request): string | undefined {
    const tokens = [...this.#model.tokens.keys()];
    if (presents === "forged") return "A".repeat(43);
    return presents === "own" ? this.#jars[client] : tokens[presents % tokens.length];
  }

  #end(id: number, response: Response): void {
    const { visit, request } = this.#visits[id]!;
    const cookies = response.headers.getSetCookie().filter((line) => line.startsWith("sid="));
    if (cookies.length > 1) throw new Error("Broken: more than one session cookie");
    const value = cookies[0] && /^sid=([^;]*)/.exec(cookies[0])![1];
    visit.cookie = value === "" ? null : value;
    visit.status = response.status;
    if (value !== undefined) this.#jars[request.client] = value || undefined;
    this.#model.end(visit, ENDS[request.ends]);
    this.trace.push(`r${id} ends: ${visit.status}, ${this.#name(visit.cookie)}`);
  }

  #makeApp(store: SessionStore): App {
    const { maxAge, absoluteMaxAge, rolling, rotate } = this.#program.life;
    return new Hono()
      .use(session({
        store,
        clock: this.#clock.now,
        maxAge,
        rolling,
        ...(absoluteMaxAge === undefined ? {} : { absoluteMaxAge }),
        ...(rotate ? { rotate } : {}),
        ...this.#bug.options,
        events: {
          interrupted: ({ sid }, c) => void this.#of(c).visit.interruptions.push(sid),
          rejected: ({ reason }, c) => void this.#of(c).visit.rejections.push(reason),
        },
        logger: { error() {}, warn() {} },
      }))
      .get("/", async (c) => {
        const { visit, request, id } = this.#of(c);
        try {
          await this.#handle(c, visit, { ...request, id });
        } catch (error) {
          this.#failure ??= error;
        }
        if (request.ends === "with an error") throw new Error("handler failed");
        if (request.ends === "with a thrown 403") {
          this.#bug.refusing?.((c as Context).get("session") as Loose);
          throw new HTTPException(403);
        }
        if (request.ends === "with a message") throw new InvalidForm();
        return c.text("done", request.ends === "well" ? 200 : 500);
      })
      .onError(async (error, c) => {
        if (error instanceof HTTPException) return c.text("failed", error.status);
        if (!(error instanceof InvalidForm)) return c.text("failed", 500);
        const { visit, id } = this.#of(c);
        for (const op of [{ do: "discard" }, { do: "flash" }] as const) {
          await this.#tryTo(c, visit, { op, value: id });
        }
        return c.redirect("/", 303);
      });
  }

  async #handle(c: Context, visit: Visit, { id, ops }: Request & { id: number }): Promise<void> {
    const current = () => c.get("session") as Loose;
    const first = current();
    const seen = Object.entries(first).map(([key, value]) => [key, JSON.stringify(value)]);
    this.trace.push(`r${id} finds: ${first.isNew ? "nothing" : JSON.stringify(first)}`);
    this.#model.load(visit, first.isNew ? undefined : first.sid, Object.fromEntries(seen));
    for (const op of ops) await this.#tryTo(c, visit, { op, value: id });
    await this.#schedule.wait(`r${id} handler`);
    this.#model.handled(visit, visit.hasEnded ? undefined : current().sid);
  }

  async #tryTo(c: Context, visit: Visit, { op, value }: { op: Op; value: number }): Promise<void> {
    try {
      await this.#act(c, visit, { op, session: c.get("session") as Loose, value });
    } catch (error) {
      if (!isRefusal(error)) throw error;
      this.trace.push(`r${value}: ${describe(op)} is refused: ${error.message}`);
    }
  }

  async #act(
    c: Context,
    visit: Visit,
    { op, session, value }: { op: Op; session: Loose; value: number },
  ): Promise<void> {
    if (op.do === "start") {
      const before = session.isNew ? undefined : session.sid;
      const { sid } = await startSession(c, { a: value });
      visit.hasEnded = false;
      visit.changes.push({ sid, key: "a", value: String(value), saved: "done" });
      if (before) visit.ended.push({ sid: before, by: "start" });
      return;
    }
    const { sid, isNew } = session;
    const change = (key: string) =>
      visit.changes.push({ sid, key, value: JSON.stringify(session[key]) });
    switch (op.do) {
      case "set":
        session[op.key] = value;
        change(op.key);
        return;
      case "delete":
        if (!Object.hasOwn(session, op.key)) return;
        delete session[op.key];
        change(op.key);
        return;
      case "nest":
        if (session[op.key]) (session[op.key] as number[]).push(value);
        else session[op.key] = [value];
        change(op.key);
        return;
      case "increment": {
        const increment = this.#model.increment(visit, sid);
        try {
          const count = await session.update("count", (count = 0) => count + 1);
          this.#model.incremented(increment, "done", count);
          if (isNew) visit.saves(sid, "done");
        } catch (error) {
          if (isNew) visit.saves(sid, "maybe");
          if (error instanceof SessionEndedError) this.#model.incremented(increment, "never");
          throw error;
        }
        return;
      }
      case "flash":
        session.flash("notice", value);
        visit.flashed.push({ sid, key: "notice", value: String(value) });
        return;
      case "renew":
        session.renew();
        visit.renewed.push(sid);
        return;
      case "regenerate":
        await session.regenerate();
        if (!isNew) visit.regenerated.push(sid);
        return;
      case "discard":
        this.#bug.discard ? this.#bug.discard(session) : session.discard();
        if (!visit.hasEnded) visit.discards(sid);
        return;
      case "destroy":
        session.destroy();
        visit.hasEnded = true;
        if (!isNew) visit.ended.push({ sid, by: "destroy" });
        for (const ended of [session, c.get("session") as Loose]) {
          if (JSON.stringify(ended) !== "{}") {
            throw new Error("Broken: an ended session shows data");
          }
        }
    }
  }

  /** A store whose calls wait for their turn, and go wrong when the program says so. */
  #gated(inner: SessionStore): SessionStore {
    const faulty = new FaultyStore(inner);
    const call = async (operation: StoreOperation, args: unknown[]): Promise<unknown> => {
      const { visit, request, id } = this.#of(args.find(isContext));
      const { fault } = request;
      const kind = fault?.call === visit.calls.push(operation) - 1
        ? faultOf(fault, operation)
        : undefined;
      await this.#schedule.wait(`r${id}`);
      const run = () =>
        this.#schedule.outside(() => Reflect.apply(faulty[operation]!, faulty, args) as unknown);
      try {
        if (kind === "overdue") {
          this.#schedule.wait(`r${id} overdue`).then(() => {
            this.trace.push(`r${id} ${operation} at last`);
            return run();
          });
          throw new Error("the store did not answer in time");
        }
        if (kind) faulty.inject(operation, kind, 1);
        const answer = await run();
        if (answer === false) visit.refusals++;
        this.trace.push(`r${id} ${operation}${kind ? ` (${kind})` : ""}: ${show(answer)}`);
        return answer;
      } catch (error) {
        visit.faults.push(visit.handled === Infinity ? "before the commit" : "in the commit");
        this.trace.push(`r${id} ${operation} (${kind}): rejected`);
        throw error;
      } finally {
        faulty.heal();
      }
    };
    return {
      capabilities: inner.capabilities,
      read: (...args) => call("read", args) as ReturnType<SessionStore["read"]>,
      create: (...args) => call("create", args) as Promise<boolean>,
      update: (...args) => call("update", args) as Promise<boolean>,
      replace: (...args) => call("replace", args) as Promise<boolean>,
      touch: (...args) => call("touch", args) as Promise<boolean>,
      delete: (...args) => call("delete", args) as Promise<void>,
    };
  }

  #of(c: unknown): { visit: Visit; request: Request; id: number } {
    const id = Number((c as Context).req.header("x-visit"));
    return { ...this.#visits[id]!, id };
  }

  #name(token: string | null | undefined): string {
    if (token === null) return "cookie cleared";
    if (token === undefined) return "no cookie";
    const index = [...this.#model.tokens.keys()].indexOf(token);
    return index < 0 ? "forged cookie" : `token ${index}`;
  }
}

/** What `discard()` forgets. */
const FORGOTTEN = ["set", "delete", "nest", "flash", "renew", "discard"];

/** Whether a request changes nothing, or nothing that it does not forget. */
function isLook({ ops, ends }: Request): boolean {
  const isForgotten = ops.length === 0 || ops.at(-1)!.do === "discard";
  return isForgotten && ops.every((op) => FORGOTTEN.includes(op.do)) && ends !== "with a message";
}

/** What a fault does to an operation: not every one can happen to every operation. */
function faultOf({ kind }: { kind: Fault }, operation: StoreOperation): Fault {
  if (operation === "read") return "fail";
  return operation === "delete" && kind === "refuse" ? "fail" : kind;
}

function isContext(value: unknown): boolean {
  return typeof value === "object" && value !== null && "req" in value;
}

function isRefusal(error: unknown): error is Error {
  return error instanceof SessionStoreError || error instanceof SessionEndedError ||
    error instanceof SessionConflictError;
}

function show(answer: unknown): string {
  if (typeof answer !== "object" || answer === null) return String(answer);
  const { version, data } = answer as { version?: number; data?: string };
  return `version ${version} ${data}`;
}

function describe(value: object): string {
  return Object.entries(value).filter(([, value]) => value !== undefined)
    .map(([key, value]) =>
      key === "do" || key === "key" ? value : `${key} ${JSON.stringify(value)}`
    )
    .join(" ");
}
