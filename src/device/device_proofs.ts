import type { MessageSigner, Purpose } from "../crypto/message_signature.ts";
import { sealToken, unsealToken } from "../crypto/sealed_token.ts";
import { hashToken } from "../crypto/store_key.ts";
import { isToken } from "../crypto/token.ts";
import { parseBinding } from "../record/device.ts";
import { CLOCK_SKEW } from "../record/expiry.ts";
import type { StoredSession } from "../record/record.ts";
import { allOf, andThen, type Awaitable } from "../util/awaitable.ts";
import type { Clock } from "../util/clock.ts";
import { ALGORITHM_NAMES } from "./proof.ts";

const USES = ["register", "refresh"] as const;

/** The purpose of a reference: a browser registers a key with it, or proves that it still has the key. */
export type DeviceUse = typeof USES[number];

/** The purpose of the signatures that serve as encryption keys of references. */
const REFERENCE: Purpose = { use: "device reference" };

/** A reference: the sealed key of a session. */
const REFERENCE_REGEXP = /^[\w-]{98}$/;

/** The cookie that proves the device of a session. It has the attributes of the session cookie. */
export interface DeviceCookie {
  readonly name: string;
  /** Returns its values in a request. */
  read(headers: Headers): readonly string[];
  /**
   * Returns the token of the session cookie in a request; `undefined` unless there is exactly one, and it is valid.
   *
   * @param changes The changed attributes of the session cookie, as JSON text.
   */
  heldToken(
    request: Request,
    changes: string | undefined,
    c: unknown,
  ): Awaitable<string | undefined>;
  /**
   * Returns the value of a `Set-Cookie` header.
   *
   * @param options.changes The changed attributes of the session cookie, as JSON text.
   */
  serialize(
    value: string,
    options: { maxAge: number; changes: string | undefined },
  ): string;
  /** Returns its attributes as in a `Set-Cookie` header, without its lifetime and `Priority`. */
  attributes(changes: string | undefined): string;
}

/** Options of {@linkcode DeviceProofs}. */
export interface DeviceProofsOptions {
  readonly signer: MessageSigner;
  readonly cookie: DeviceCookie;
  /** The path under which browsers register and refresh. */
  readonly path: string;
  /** The lifetime of the cookie, in seconds. */
  readonly every: number;
  /** The sites whose requests may make a browser refresh. */
  readonly initiators: readonly string[];
  readonly clock: Clock;
}

/** The lifetime of the challenge of a registration, in milliseconds. */
const REGISTRATION = 300_000;

/**
 * How long after its binding a session needs no proof, in milliseconds: requests that the browser sent before it had the cookie
 * are still on their way, such as the page after the login.
 */
export const UNDER_WAY = 10_000;

/** The reason of a browser for sending no proof: the name before the parameters, which contain the reference of its session. */
const REASON_REGEXP = /^[\w-]{1,64}/;

/** The use of a signed time, and the key of its session. */
interface Stamp {
  readonly use: DeviceUse | "cookie";
  readonly key: string;
}

/**
 * Issues and checks the references, challenges and cookies that bind sessions to devices. It keeps no state: a challenge or a
 * cookie is a time, signed for one session.
 */
export class DeviceProofs {
  readonly #options: DeviceProofsOptions;

  constructor(options: DeviceProofsOptions) {
    this.#options = options;
  }

  /**
   * Returns a reference: the encrypted key of a session. A browser identifies its session by it, because requests that
   * another site has initiated carry no cookie.
   */
  async reference(key: string, use: DeviceUse, c: unknown): Promise<string> {
    const [secret] = await this.#options.signer.signWithEach(use, REFERENCE, c);
    return await sealToken(key, secret!);
  }

  /** Returns the key of a session by its reference; `undefined` when the reference is invalid. */
  async keyOf(reference: string | null, use: DeviceUse, c: unknown): Promise<string | undefined> {
    if (reference === null || !REFERENCE_REGEXP.test(reference)) return undefined;
    for (const secret of await this.#options.signer.signWithEach(use, REFERENCE, c)) {
      const key = await unsealToken(reference, secret);
      if (key !== undefined && isToken(key)) return key;
    }
    return undefined;
  }

  /** Returns whether a browser registers or refreshes at a URL; `undefined` when it does neither. */
  useOf(url: string): DeviceUse | undefined {
    const { path } = this.#options;
    if (!url.includes(path)) return undefined;
    const { pathname } = new URL(url);
    return USES.find((use) => pathname === `${path}/${use}`);
  }

  /** Checks whether a request carries the cookie that proves the device of a session, or was sent before the browser had it. */
  isProven({ key, record }: StoredSession, headers: Headers, c: unknown): Awaitable<boolean> {
    const { cookie, clock } = this.#options;
    const values = cookie.read(headers);
    return andThen(
      allOf(values.map((value) => this.#timeOf(value, { use: "cookie", key }, c))),
      (times) => {
        const now = clock();
        const { boundAt = -Infinity } = parseBinding(record.device ?? "") ?? {};
        return now < boundAt + UNDER_WAY || times.some((until = -Infinity) => now < until);
      },
    );
  }

  /** Checks whether the session cookie of a browser identifies another session than its reference does. */
  async isReplaced({ key, record }: StoredSession, request: Request, c: unknown): Promise<boolean> {
    const token = await this.#options.cookie.heldToken(request, record.cookie, c);
    return token !== undefined && await hashToken(token) !== key;
  }

  /** Returns the reason that a browser gives for sending no proof. Every client can send it. */
  static skippedIn(headers: Headers): string | undefined {
    return REASON_REGEXP.exec(headers.get("secure-session-skipped") ?? "")?.[0];
  }

  /**
   * Returns the `Set-Cookie` header of the cookie that proves the device of a session. Browsers drop it somewhat earlier than
   * it becomes invalid, because they start to count later, and clocks differ.
   */
  async cookie({ key, record }: StoredSession, c: unknown): Promise<string> {
    const { cookie, every, clock } = this.#options;
    const value = await this.#stamp(clock() + every * 1000, { use: "cookie", key }, c);
    return cookie.serialize(value, { maxAge: Math.floor(every * 0.9), changes: record.cookie });
  }

  /** Returns the header that asks a browser to register a key for a session. */
  async registration(key: string, c: unknown): Promise<string> {
    const { path, clock } = this.#options;
    const reference = await this.reference(key, "register", c);
    const challenge = await this.#stamp(clock(), { use: "register", key }, c);
    const names = ALGORITHM_NAMES.join(" ");
    return `(${names});path="${path}/register?r=${reference}";challenge="${challenge}"`;
  }

  /** Returns the header with the next challenge of a session, which is later than the last accepted one. */
  async challenge(
    { key, id, after }: { key: string; id: string; after: number },
    c: unknown,
  ): Promise<string> {
    const at = Math.max(this.#options.clock(), after + 1);
    return `"${await this.#stamp(at, { use: "refresh", key }, c)}";id="${id}"`;
  }

  /** Returns when a challenge was issued; `undefined` when it was not for this session and use, or is too old. */
  async issuedAt(
    challenge: string,
    { use, key }: { use: DeviceUse; key: string },
    c: unknown,
  ): Promise<number | undefined> {
    const { every, clock } = this.#options;
    const lifetime = use === "register" ? REGISTRATION : every * 1000 + CLOCK_SKEW;
    const at = await this.#timeOf(challenge, { use, key }, c);
    return at !== undefined && clock() - at < lifetime ? at : undefined;
  }

  /** Returns the instructions for a browser about a session, as JSON. */
  instructions(id: string, { record }: StoredSession): string {
    const { path, cookie, initiators } = this.#options;
    const attributes = cookie.attributes(record.cookie);
    return JSON.stringify({
      session_identifier: id,
      refresh_url: `${path}/refresh`,
      scope: { include_site: false },
      credentials: [{ type: "cookie", name: cookie.name, attributes }],
      allowed_refresh_initiators: initiators,
    });
  }

  /** Returns a signed time: in base 36, with its signature. */
  #stamp(at: number, stamp: Stamp, c: unknown): Awaitable<string> {
    return this.#options.signer.sign(at.toString(36), purposeOf(stamp), c);
  }

  /** Returns the time of a stamp; `undefined` when it is not valid. */
  #timeOf(text: string, stamp: Stamp, c: unknown): Awaitable<number | undefined> {
    return andThen(
      this.#options.signer.verify(text, purposeOf(stamp), c),
      (time) => time === undefined ? undefined : parseInt(time, 36),
    );
  }
}

function purposeOf({ use, key }: Stamp): Purpose {
  return { use: `device ${use}`, of: key };
}
