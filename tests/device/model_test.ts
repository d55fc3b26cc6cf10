import { session, type SessionRecord } from "@x/hono-session";
import { MapStore } from "@x/hono-session/stores/map";
import { FaultyStore } from "@x/hono-session/testing";
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { Hono } from "hono";
import { UNDER_WAY } from "../../src/device/device_proofs.ts";
import { FakeClock } from "../_support/clock.ts";
import { SECRET } from "../_support/cookie_stores.ts";
import { Browser, DeviceKey, type Registration, registrationOf } from "../_support/device.ts";
import { recordKeys } from "../_support/recorded_store.ts";

const RUNS = Number(Deno.env.get("HONO_SESSION_RUNS") ?? 300);

/** For how long a proof is accepted, in seconds. */
const EVERY = 600;

/** What the cookies of a request may be: a session cookie, and a proof, each one that was ever given out. */
interface Cookies {
  readonly session: number;
  readonly proof: number | undefined;
}

type Step =
  | { readonly do: "login" | "register" | "register a key of a thief" | "refresh" | "replay" }
  | { readonly do: "wait"; readonly seconds: number }
  | { readonly do: "fail"; readonly operation: "read" | "update" }
  | { readonly do: "read" | "write" | "logout" | "login again"; readonly with: Cookies };

const cookies = fc.record({
  session: fc.nat(3),
  proof: fc.option(fc.nat(5), { nil: undefined, freq: 4 }),
});

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom<"login" | "register" | "refresh">("login", "register", "refresh"),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom<"register a key of a thief" | "replay">(
        "register a key of a thief",
        "replay",
      ),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("wait" as const),
      seconds: fc.constantFrom(1, 89, 91, 301, EVERY),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("fail" as const),
      operation: fc.constantFrom<"read" | "update">("read", "update"),
    }),
  },
  {
    weight: 10,
    arbitrary: fc.record({
      do: fc.constantFrom<"read" | "write" | "logout" | "login again">(
        "read",
        "read",
        "write",
        "write",
        "logout",
        "login again",
      ),
      with: cookies,
    }),
  },
) as fc.Arbitrary<Step>;

/** A session as the model knows it. */
interface Known {
  /** Its cookie, as a pair. */
  readonly cookie: string;
  isLive: boolean;
  /** When it was bound, in epoch milliseconds. */
  boundAt: number | undefined;
  count: number;
}

/** A cookie that proves a device, as a pair, and what it is for. */
interface Proof {
  readonly cookie: string;
  readonly of: Known;
  readonly until: number;
}

class World {
  readonly #clock = new FakeClock();
  readonly #recorded = recordKeys(new MapStore({ clock: this.#clock.now }));
  readonly #store = new FaultyStore(this.#recorded.store);
  readonly #thief: DeviceKey;
  readonly #browser: Browser;
  readonly #sessions: Known[] = [];
  readonly #proofs: Proof[] = [];
  #asked: { of: Known; registration: Registration } | undefined;
  #used: string | undefined;

  private constructor(key: DeviceKey, thief: DeviceKey) {
    this.#thief = thief;
    const app = new Hono()
      .use(session<{ count?: number }>({
        store: this.#store,
        clock: this.#clock.now,
        secret: SECRET,
        device: true,
        logger: { error() {}, warn() {} },
        maxAge: 1e9,
      }))
      .get("/login", async (c) => {
        await c.var.session.regenerate();
        c.var.session.count = 1;
        return c.text("welcome");
      })
      .get("/read", (c) => c.text(String(c.var.session.count ?? 0)))
      .get("/write", (c) => c.text(String(c.var.session.count = (c.var.session.count ?? 0) + 1)))
      .get("/logout", (c) => {
        c.var.session.destroy();
        return c.text("bye");
      });
    this.#browser = new Browser(app, key);
  }

  static async open(): Promise<World> {
    return new World(await DeviceKey.make(), await DeviceKey.make());
  }

  async take(step: Step): Promise<void> {
    switch (step.do) {
      case "wait":
        return this.#clock.advance(step.seconds);
      case "fail":
        return this.#store.inject(step.operation, "fail", 1);
      case "login":
        return await this.#login("");
      case "register":
      case "register a key of a thief":
        return await this.#register(step.do === "register");
      case "refresh":
        return await this.#refresh();
      case "replay":
        return await this.#replay();
      default:
        return await this.#visit(step);
    }
  }

  /** Does something, after which the store fails no more. */
  async #once<Result>(run: () => Promise<Result>): Promise<Result> {
    const result = await run();
    this.#store.heal();
    return result;
  }

  async #login(cookie: string): Promise<void> {
    this.#store.heal();
    const response = await this.#browser.fetch("/login", { headers: { cookie } });
    await response.body?.cancel();
    const known: Known = {
      cookie: pairsOf(response)[0]!,
      isLive: true,
      boundAt: undefined,
      count: 1,
    };
    this.#sessions.push(known);
    this.#asked = { of: known, registration: registrationOf(response)! };
  }

  async #register(isOwn: boolean): Promise<void> {
    if (!this.#asked) return;
    const { of, registration: { path, challenge } } = this.#asked;
    const key = isOwn ? this.#browser.key : this.#thief;
    if (!isOwn && of.boundAt === undefined) return;
    const before = await this.#recorded.records();
    const header = { "secure-session-response": await key.register(challenge) };
    const answer = await this.#once(() =>
      isOwn ? this.#browser.register(this.#asked!.registration) : this.#browser.post(path, header)
    );
    if (answer.status === 200) {
      assertEquals([of.isLive, of.boundAt, isOwn], [true, undefined, true]);
      of.boundAt = this.#clock.now();
      return this.#prove(answer, of);
    }
    await this.#isUnchanged(before);
    assertEquals(answer.headers.getSetCookie(), []);
  }

  async #refresh(): Promise<void> {
    const of = this.#bound;
    if (!of) return;
    const before = await this.#recorded.records();
    const answer = await this.#once(() => this.#browser.refresh());
    if (!of.isLive) assertEquals([404, 503].includes(answer.status), true);
    if (answer.status !== 200) return await this.#isUnchanged(before);
    assertEquals(of.isLive, true);
    this.#used = this.#browser.challenge;
    this.#prove(answer, of);
  }

  /** Sends a proof that was accepted before once more. */
  async #replay(): Promise<void> {
    const of = this.#bound;
    if (!of || !this.#used) return;
    this.#store.heal();
    const challenge = this.#browser.challenge!;
    const first = await this.#browser.prove(challenge);
    if (first.status === 200) this.#prove(first, of);
    const before = await this.#recorded.records();
    assertEquals((await this.#browser.prove(challenge)).status, of.isLive ? 403 : 404);
    await this.#isUnchanged(before);
  }

  /** The session of the browser that is bound, if it has one. */
  get #bound(): Known | undefined {
    return this.#browser.instructions && this.#proofs.at(-1)?.of;
  }

  #prove(answer: Response, of: Known): void {
    const [cookie] = pairsOf(answer);
    this.#proofs.push({ cookie: cookie!, of, until: this.#clock.now() + EVERY * 1000 });
  }

  async #visit(step: Extract<Step, { with: Cookies }>): Promise<void> {
    const known = this.#sessions.at(-1 - step.with.session);
    if (!known) return;
    const proof = step.with.proof === undefined ? undefined : this.#proofs.at(-1 - step.with.proof);
    const cookie = [known.cookie, proof?.cookie].filter(Boolean).join("; ");
    if (step.do === "login again") return await this.#loginAgain(known, cookie, proof);
    const before = await this.#recorded.records();
    const response = await this.#once(() =>
      this.#browser.fetch(`/${step.do}`, { headers: { cookie } })
    );
    const text = await response.text();
    if (response.status === 503) return await this.#isUnchanged(before);
    if (known.isLive && !this.#isOpen(known, proof)) {
      // Nobody, nothing changes, and no cookie is sent.
      assertEquals(
        [response.status, text === "0"],
        step.do === "read" ? [200, true] : [403, false],
      );
      assertEquals(response.headers.getSetCookie(), []);
      return await this.#isUnchanged(before);
    }
    assertEquals(response.status, 200);
    if (!known.isLive) return;
    if (step.do === "logout") known.isLive = false;
    else assertEquals(text, String(step.do === "write" ? ++known.count : known.count));
  }

  async #loginAgain(known: Known, cookie: string, proof: Proof | undefined): Promise<void> {
    const isOpen = known.isLive && this.#isOpen(known, proof);
    await this.#login(cookie);
    // Whoever has no proof leaves the session behind.
    if (isOpen) known.isLive = false;
  }

  #isOpen(known: Known, proof: Proof | undefined): boolean {
    const { boundAt } = known;
    if (boundAt === undefined) return true;
    const now = this.#clock.now();
    // Requests from before the browser had the proof are under way.
    return now < boundAt + UNDER_WAY || proof?.of === known && now < proof.until;
  }

  async #isUnchanged(before: readonly SessionRecord[]): Promise<void> {
    assertEquals(await this.#recorded.records(), before);
  }
}

function pairsOf(response: Response): string[] {
  return response.headers.getSetCookie().map((line) => line.split(";")[0]!);
}

Deno.test("no order of logins, proofs, copies and outages opens a bound session without a proof, or changes it", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 24, size: "max" }), async (steps) => {
      const world = await World.open();
      await world.take({ do: "login" });
      await world.take({ do: "register" });
      for (const step of steps) await world.take(step);
    }),
    { numRuns: RUNS },
  );
});
