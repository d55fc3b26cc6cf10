import { isPromiseLike } from "../util/awaitable.ts";

/** The smallest length of a secret. */
const SHORTEST = 32;

/**
 * One secret, or a list of secrets: the first is used to write, all are used to read. Or a function that
 * returns them for a request, for runtimes that provide secrets per request. A list is read once, when the
 * middleware or the store is created; secrets that change later require a function.
 *
 * @example On Cloudflare Workers
 * ```ts
 * import { session, type SecretOption } from "@x/hono-session";
 * import { MapStore } from "@x/hono-session/stores/map";
 *
 * const secret: SecretOption = (c) => c.env.SECRET;
 * session({ store: new MapStore(), secret });
 * ```
 */
export type SecretOption =
  | string
  | readonly string[]
  // deno-lint-ignore no-explicit-any -- Only the application knows its bindings: `(c) => c.env.SECRET`.
  | ((c: any) => string | readonly string[]);

/** The texts for errors about weak secrets. */
export interface SecretUse {
  readonly action: string;
  /** @default {"secret"} */
  readonly name?: string;
}

/**
 * Checks secrets.
 *
 * @throws {TypeError} When the list is empty, or a secret is not a string.
 * @throws {RangeError} When a secret is too short or repeats one character (CVE-2023-27524).
 */
export function checkSecrets(
  secret: unknown,
  { action, name = "secret" }: SecretUse,
): readonly string[] {
  const secrets: unknown[] = Array.isArray(secret) ? [...secret] : [secret];
  if (secrets.length === 0) {
    throw new TypeError(`Cannot ${action}: ${name} is empty, at least one secret is required`);
  }
  for (const each of secrets) {
    if (typeof each !== "string") {
      throw new TypeError(`Cannot ${action}: ${name} is neither a string nor a list of strings`);
    }
    if (each.length < SHORTEST) {
      throw new RangeError(
        `Cannot ${action}: ${name} is ${each.length} characters, at least ${SHORTEST} are required, ` +
          "as `openssl rand -base64 32` prints them",
      );
    }
    if (new Set(each).size === 1) {
      throw new RangeError(`Cannot ${action}: ${name} repeats one character`);
    }
  }
  return secrets as string[];
}

/** The number of results of a function that are cached. */
const MOST_KEPT = 8;

/** Caches values that are derived from secrets, such as imported keys. */
export class PerSecret<Made> {
  readonly #use: SecretUse;
  readonly #find: ((c: unknown) => string | readonly string[]) | undefined;
  readonly #make: (secrets: readonly string[]) => Made;
  readonly #made = new Map<string, Made>();
  /** Fixed secrets; empty when a function provides them. */
  readonly #secrets: readonly string[] = [];
  /**
   * The derived value of fixed secrets. It is made at the first request, so that no key is derived while a
   * module loads.
   */
  #fixed: Made | undefined;

  /** @throws {TypeError | RangeError} When fixed secrets are invalid. */
  constructor(secret: SecretOption, make: (secrets: readonly string[]) => Made, use: SecretUse) {
    this.#use = use;
    this.#make = make;
    if (typeof secret === "function") this.#find = secret;
    else this.#secrets = checkSecrets(secret, use);
  }

  /** @throws {TypeError | RangeError} When the secrets of this request are invalid. */
  get(c: unknown): Made {
    if (!this.#find) return this.#fixed ??= this.#make(this.#secrets);
    const secret = this.#find(c);
    if (isPromiseLike(secret)) {
      const { action, name = "secret" } = this.#use;
      throw new TypeError(`Cannot ${action}: ${name} returned a promise, it must be synchronous`);
    }
    const id = JSON.stringify(secret);
    const known = this.#made.get(id);
    if (known !== undefined) return known;
    const made = this.#make(checkSecrets(secret, this.#use));
    if (this.#made.size === MOST_KEPT) this.#made.clear();
    this.#made.set(id, made);
    return made;
  }
}
