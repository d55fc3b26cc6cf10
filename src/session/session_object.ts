import { type Confirmations, toDates } from "../record/confirmations.ts";
import type { SessionDevice } from "../record/device.ts";
import { isPlainObject, nameOfClass } from "../record/plain_object.ts";
import type { SessionProvider } from "../record/provider.ts";
import { setProperty } from "../util/property.ts";
import { reserveMembers } from "./reserved_names.ts";
import type { Session, SessionMembers } from "./session.ts";

/** The implementation to which a {@linkcode SessionObject} delegates. */
export interface SessionController {
  readonly sid: string;
  subject: string | undefined;
  provider: SessionProvider | undefined;
  get meta(): Readonly<Record<string, unknown>> | undefined;
  set meta(meta: object | undefined);
  confirmations(): Confirmations;
  confirm(method: string, options: { readonly at: number } | undefined): void;
  readonly device: SessionDevice | undefined;
  endSignal(): AbortSignal;
  isNew(): boolean;
  hasChanged(): boolean;
  expiresAt(): number;
  destroy(): void;
  regenerate(): void;
  renew(maxAge: number | "browser" | undefined): void;
  flash(key: string, value: unknown): void;
  reflash(): void;
  update(key: string, change: (value: unknown) => unknown): Promise<unknown>;
  save(): Promise<void>;
  discard(): void;
}

/**
 * The object behind {@linkcode Session}. It has no properties of its own except the data, and delegates its
 * members to a controller.
 */
export class SessionObject implements SessionMembers {
  #state!: SessionController;

  /** Sets the controller of a session. */
  static handOver(session: SessionObject, state: SessionController): void {
    session.#state = state;
  }

  get isNew(): boolean {
    return this.#state.isNew();
  }

  get hasChanged(): boolean {
    return this.#state.hasChanged();
  }

  get sid(): string {
    return this.#state.sid;
  }

  get expiresAt(): Date {
    return new Date(this.#state.expiresAt());
  }

  get ended(): AbortSignal {
    return this.#state.endSignal();
  }

  get subject(): string | undefined {
    return this.#state.subject;
  }

  set subject(subject: string | undefined) {
    this.#state.subject = subject;
  }

  get provider(): SessionProvider | undefined {
    return this.#state.provider;
  }

  set provider(provider: SessionProvider | undefined) {
    this.#state.provider = provider;
  }

  get meta(): Readonly<Record<string, unknown>> | undefined {
    return this.#state.meta;
  }

  set meta(meta: object | undefined) {
    this.#state.meta = meta;
  }

  get confirmations(): Readonly<Record<string, Date | undefined>> {
    return toDates(this.#state.confirmations());
  }

  confirm(method: string, options?: { readonly at: number }): void {
    this.#state.confirm(method, options);
  }

  get device(): SessionDevice | undefined {
    return this.#state.device;
  }

  destroy(): void {
    this.#state.destroy();
  }

  // deno-lint-ignore require-await -- Misuse is to be a rejection, and the seeds await it.
  async regenerate(): Promise<void> {
    this.#state.regenerate();
  }

  renew(maxAge?: number | "browser"): void {
    this.#state.renew(maxAge);
  }

  flash(key: string, value: unknown): void {
    this.#state.flash(key, value);
  }

  reflash(): void {
    this.#state.reflash();
  }

  async update<Value>(key: string, change: (value: Value) => Value): Promise<Value> {
    return await this.#state.update(key, change as (value: unknown) => unknown) as Value;
  }

  async save(): Promise<void> {
    await this.#state.save();
  }

  discard(): void {
    this.#state.discard();
  }

  toJSON(): Record<string, unknown> {
    return { ...(this as object) };
  }

  get __proto__(): undefined {
    return undefined;
  }

  set __proto__(value: unknown) {
    setProperty(this, "__proto__", value);
  }

  /** The output of `console.log`, which shows no data, on Deno as well. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return `Session { sid: ${JSON.stringify(this.sid)}, isNew: ${this.isNew} }`;
  }
}

reserveMembers(SessionObject.prototype);

/** @throws {TypeError} When a value is neither a plain object nor a session. */
export function assertPlainObject(value: unknown): asserts value is object {
  if (isPlainObject(value) || value instanceof SessionObject) return;
  const kind = typeof value === "object" && value !== null
    ? `a ${nameOfClass(value)}`
    : `a value of type ${typeof value}`;
  throw new TypeError(
    `Cannot set session: a plain object or null is required, not ${kind}; write { value } to keep it`,
  );
}

/** Returns a session with the type of its data, which the application asserts. */
export function asSession<Data extends object>(session: SessionObject): Session<Data> {
  return session as SessionMembers as Session<Data>;
}
