import {
  createSessions,
  SessionEndedError,
  type SessionManager,
  type SessionStore,
} from "@x/hono-session";
import { EncryptedCookieStore, Revocations } from "@x/hono-session/stores/cookie";
import { type Context, Hono } from "hono";
import { HTTPException } from "hono/http-exception";
import { FakeClock } from "./clock.ts";
import { Model } from "./model.ts";
import { act, isRefusal, type SessionBug, sessionOf, shownBy } from "./model_handler.ts";
import { check, type Life } from "./model_history.ts";
import { Jars, toSetCookie } from "./model_jars.ts";
import {
  ENDS,
  FIRST,
  isLook,
  LOOK,
  PROCESSES,
  type Program,
  type Request,
  SUBJECTS,
} from "./model_program.ts";
import { Schedule } from "./model_schedule.ts";
import { CALL, gate, type OpenStore, OVERDUE } from "./model_store.ts";
import type { Op, Visit } from "./model_visit.ts";

/** How many requests run at the same time. */
const AT_ONCE = 4;

/** How long a call of a store may take, in seconds, and how long one that nobody waits for any more. */
const STORE_TIMEOUT = 5;
const MOST_OVERDUE = 600;

/** What an application throws where a form is not filled in as it should be. */
class InvalidForm extends Error {}

type App = Pick<Hono, "request">;

type Manager = SessionManager<Record<string, unknown>>;

/** How programs are run. */
export interface PlayOptions {
  /** Whether cookies hold the sessions, and the store knows which are invalid. */
  readonly inCookies?: boolean;
  readonly bug?: SessionBug;
}

/** What seals the cookies. */
const keys = [await EncryptedCookieStore.generateKey()];

/** Runs a program over a store, and fails when an answer breaks a rule of the model. */
export async function play(
  program: Program,
  open: OpenStore,
  options: PlayOptions = {},
): Promise<void> {
  const run = new Run(program, options);
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
  readonly #life: Life;
  readonly #bug: SessionBug;
  readonly #clock = new FakeClock();
  readonly #schedule = new Schedule();
  readonly #model: Model;
  readonly #visits: { visit: Visit; request: Request }[] = [];
  readonly #jars = new Jars();
  #apps: App[] = [];
  #managers: Manager[] = [];
  #clocks: (() => number)[] = [];
  #running = 0;
  #failure: unknown;

  constructor(program: Program, { inCookies = false, bug = {} }: PlayOptions) {
    this.#program = program;
    this.#bug = bug;
    const { life } = program;
    this.#life = { ...life, inCookies, rotate: inCookies ? undefined : life.rotate };
    this.#model = new Model(this.#life, this.#clock.now);
    this.trace.push(describe(this.#life));
  }

  async play(open: OpenStore): Promise<void> {
    const schedule = this.#schedule;
    using _ = schedule.control();
    let turns = 0;
    const { rotate, skew } = this.#life;
    const { isStoreAhead } = this.#program;
    const clocks = [this.#clock.now, () => this.#clock.now() + skew * 1000];
    this.#clocks = clocks;
    const opened = await open({
      clock: clocks[isStoreAhead ? 1 : 0]!,
      clocks,
      pause: (name) => schedule.pause(`${name} ${++turns}`),
      later: (name) => schedule.wait(`${name} ${++turns}`),
    });
    this.#managers = Array.from({ length: PROCESSES }, (_, process) =>
      this.#makeManager({
        store: this.#gated(Array.isArray(opened) ? opened[process]! : opened),
        clock: clocks[process]!,
      }));
    this.#apps = this.#managers.map((manager) => this.#makeApp(manager));
    await this.#alone(FIRST);
    await this.#together(this.#program.requests, [...this.#program.choices]);
    await this.#look();
    if (rotate) {
      this.#clock.advance(rotate.grace);
      await this.#look();
    }
    for (const subject of SUBJECTS) {
      await this.#alone({ ...LOOK, ops: [{ do: "list", subject }] });
    }
  }

  /** Whether somebody ends the sessions of everybody. */
  get #isEndedWhole(): boolean {
    return this.#program.requests.some(({ ops }) => ops.some((op) => op.do === "revokeEverything"));
  }

  /** The tokens that clients have. */
  #known(): string[] {
    return [...this.#model.tokens].flatMap(([token, { isKnown }]) => isKnown ? [token] : []);
  }

  /** Sees what every token opens in the end. */
  async #look(): Promise<void> {
    for (const presents of this.#known().keys()) await this.#alone({ ...LOOK, presents });
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
      const begins = next < requests.length && this.#running < AT_ONCE &&
        this.#canWait(requests[next]!.after);
      const actions = [...schedule.waiting, ...(begins ? [""] : [])];
      if (actions.length === 0) break;
      const action = actions[(choices.shift() ?? 0) % actions.length]!;
      if (action) await schedule.go(action);
      else {
        this.#begin(requests[next++]!);
        await schedule.settled();
      }
    }
    check(this.#running === 0, "a request is stuck");
  }

  /** Whether no call of a store would take too long, should the clocks go on. */
  #canWait(seconds: number): boolean {
    const schedule = this.#schedule;
    return (seconds < STORE_TIMEOUT || schedule.count(CALL) === 0) &&
      (seconds < MOST_OVERDUE || schedule.count(OVERDUE) === 0);
  }

  #begin(request: Request): void {
    this.#clock.advance(request.after);
    for (const { token, by } of this.#jars.drop(this.#clock.now())) {
      this.trace.push(`${this.#name(token)} is dropped`);
      this.#model.dropped(token, by);
    }
    const presented = this.#cookie(request);
    const isConditional = request.answer === "is a 304";
    const { isPage, process } = request;
    const asked = { presented, isLook: isLook(request), isPage, isConditional, process };
    const visit = this.#model.begin(asked);
    const id = this.#visits.push({ visit, request }) - 1;
    const { client, after, ops, ends, answer } = request;
    this.trace.push(
      `r${id} begins: client ${client}, process ${process}, +${after} s, ` +
        `${this.#name(presented)}, ${isPage ? "page" : "image"}, ${
          ops.map(describe).join(", ") || "read"
        }, ends ${ends}, ${answer}`,
    );
    this.#running++;
    const headers = {
      "x-visit": String(id),
      ...(isPage || this.#bug.isBlind ? {} : { "sec-fetch-dest": "image" }),
      ...(isConditional ? { "if-none-match": `"1"` } : {}),
      ...(presented === undefined ? {} : { cookie: `sid=${presented}` }),
    };
    Promise.resolve(this.#apps[process]!.request("/", { headers }))
      .then((response) => this.#end(id, response))
      .catch((error) => this.#failure ??= error)
      .finally(() => this.#running--);
  }

  #cookie({ client, presents }: Request): string | undefined {
    const tokens = this.#known();
    if (presents === "forged") return "A".repeat(43);
    return presents === "own" ? this.#jars.present(client) : tokens[presents % tokens.length];
  }

  #end(id: number, response: Response): void {
    const { visit, request } = this.#visits[id]!;
    const { status } = response;
    const cookie = toSetCookie(response, this.#clock.now());
    visit.cookie = cookie?.token;
    visit.status = status;
    // What answers with 304 leaves the cookies out.
    const isLost = request.answer === "is lost" || request.answer === "is a 304" && status === 200;
    this.trace.push(`r${id} ends: ${status}, ${this.#name(visit.cookie)}${isLost ? ", lost" : ""}`);
    this.#model.end(visit, { expected: ENDS[request.ends], isLost });
    if (cookie && !isLost) this.#jars.set(request.client, { ...cookie, by: visit });
  }

  #makeManager({ store, clock }: { store: SessionStore; clock: () => number }): Manager {
    const { maxAge, absoluteMaxAge, rolling, rotate, inCookies } = this.#life;
    return createSessions({
      store: inCookies ? this.#inCookies(store, clock) : store,
      clock,
      maxAge,
      rolling,
      ...(absoluteMaxAge === undefined ? {} : { absoluteMaxAge }),
      ...(rotate ? { rotate } : {}),
      ...(this.#isEndedWhole && !inCookies ? { revokeEverything: { every: 0 } } : {}),
      ...this.#bug.options,
      events: {
        created: ({ sid }, c) => void this.#of(c).visit.created.push(sid),
        interrupted: ({ sid }, c) => void this.#of(c).visit.interruptions.push(sid),
        rejected: ({ reason }, c) => void this.#of(c).visit.rejections.push(reason),
      },
      logger: { error: (...texts) => this.trace.push(texts.join(" ")), warn() {} },
    });
  }

  /** A store whose cookies hold the sessions. */
  #inCookies(server: SessionStore, clock: () => number): SessionStore {
    const revocations = new Revocations(server);
    const store = new EncryptedCookieStore({ keys, clock, revocations });
    const { cookies } = this.#bug;
    if (!cookies) return store;
    const blind = new EncryptedCookieStore({ keys, clock });
    const broken = { ...cookies(store, blind), forCookie: () => proxy };
    const proxy = new Proxy<SessionStore>(store, {
      get(_, name) {
        const member: unknown = Reflect.get(name in broken ? broken : store, name);
        return typeof member === "function" ? member.bind(store) : member;
      },
    });
    return proxy;
  }

  #makeApp(manager: Manager): App {
    return new Hono()
      .use(manager.middleware())
      .get("/", async (c) => {
        const { visit, request, id } = this.#of(c);
        try {
          await this.#handle(c, visit, { ...request, id });
        } catch (error) {
          this.#failure ??= error;
        }
        if (request.ends === "with an error") throw new Error("handler failed");
        if (request.ends === "with a thrown 403") {
          this.#bug.refusing?.(sessionOf(c));
          throw new HTTPException(403);
        }
        if (request.ends === "with a message") throw new InvalidForm();
        return c.text("done", request.ends === "well" ? 200 : 500);
      })
      .onError(async (error, c) => {
        if (!(error instanceof InvalidForm)) this.trace.push(String(error));
        if (error instanceof HTTPException) return c.text("failed", error.status);
        if (!(error instanceof InvalidForm)) return c.text("failed", 500);
        const { visit, id } = this.#of(c);
        for (const op of [{ do: "discard" }, { do: "flash" }] as const) {
          await this.#tryTo(c, visit, { op, value: id });
        }
        visit.left = shownBy(sessionOf(c));
        return c.redirect("/", 303);
      });
  }

  async #handle(c: Context, visit: Visit, { id, ops }: Request & { id: number }): Promise<void> {
    const first = sessionOf(c);
    const seen = shownBy(first);
    this.trace.push(`r${id} finds: ${first.isNew ? "nothing" : JSON.stringify(seen)}`);
    visit.held.add(first.sid);
    this.#model.load(visit, first.isNew ? undefined : first.sid, seen);
    for (const op of ops) await this.#tryTo(c, visit, { op, value: id });
    await this.#schedule.wait(`r${id} handler`);
    const session = sessionOf(c);
    this.#model.handled(visit, visit.hasEnded ? undefined : session.sid, shownBy(session));
  }

  async #tryTo(c: Context, visit: Visit, { op, value }: { op: Op; value: number }): Promise<void> {
    try {
      const manager = this.#managers[this.#of(c).request.process]!;
      const now = this.#clocks[this.#of(c).request.process]!();
      await act(c, op, { model: this.#model, visit, value, now, bug: this.#bug, manager });
    } catch (error) {
      if (!isRefusal(error)) throw error;
      if (error instanceof SessionEndedError) visit.isToldOfEnd = true;
      this.trace.push(`r${value}: ${describe(op)} is refused: ${error.message}`);
    }
  }

  #gated(store: SessionStore): SessionStore {
    return gate(store, {
      schedule: this.#schedule,
      trace: this.trace,
      place: () => this.#model.place(),
      callerOf: (c) => {
        const { id, visit, request: { fault } } = this.#of(c);
        return { id, visit, fault };
      },
    });
  }

  #of(c: unknown): { visit: Visit; request: Request; id: number } {
    const id = Number((c as Context).req.header("x-visit"));
    return { ...this.#visits[id]!, id };
  }

  #name(token: string | null | undefined): string {
    if (token === null) return "cookie cleared";
    if (token === undefined) return "no cookie";
    const index = [...this.#model.tokens.keys()].indexOf(token);
    return index < 0 ? "another cookie" : `token ${index}`;
  }
}

function describe(value: object): string {
  return Object.entries(value).filter(([, value]) => value !== undefined)
    .map(([key, value]) =>
      key === "do" || key === "key" ? value : `${key} ${JSON.stringify(value)}`
    )
    .join(" ");
}
