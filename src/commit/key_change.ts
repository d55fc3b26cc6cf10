import type { Contents } from "../record/contents.ts";
import { isSameJson } from "../record/deep_equal.ts";
import { JsonObject } from "../record/json_object.ts";
import { serializeValue } from "../record/serialize.ts";
import { pathOf } from "../record/unserializable_value.ts";
import type { SessionState } from "../session/session_state.ts";

/** A change of one key, for `update()`. */
export interface KeyChangeOptions {
  readonly state: SessionState;
  readonly key: string;
  change(value: unknown): unknown;
}

/** A change of one key of a stored session, applied to the contents that other requests have stored in the meantime. */
export class KeyChange {
  readonly #options: KeyChangeOptions;
  /** The JSON text of the value that this request had assigned to the key, if any. */
  #assigned: { readonly text: string | undefined } | undefined;
  /** Whether the change was stored. */
  isCommitted = false;
  /** The error that the application's function threw. */
  error: unknown;

  constructor(options: KeyChangeOptions) {
    this.#options = options;
  }

  /** Remembers the value that this request has assigned to the key before. */
  begin(): void {
    const { state, key } = this.#options;
    state.flashed?.unflash(key);
    if (isAssigned(state, key)) {
      this.#assigned = { text: state.contents().data.members.get(key) };
    }
  }

  /**
   * Returns the contents of a session with the key changed.
   *
   * @throws {SessionSerializationError} When the value would not survive JSON.
   */
  apply({ data, flash }: Contents): Contents {
    const { key } = this.#options;
    const { text } = this.#assigned ?? { text: data.members.get(key) };
    const value = this.#call(text === undefined ? undefined : JSON.parse(text));
    const members = new Map(data.members);
    if (value === undefined) members.delete(key);
    else members.set(key, serializeValue(value, pathOf("session", key)));
    const flashed = new Map(flash.members);
    flashed.delete(key);
    return { data: JsonObject.ofMembers(members), flash: JsonObject.ofMembers(flashed) };
  }

  /** Shows the committed value in the session. */
  committed({ data }: Contents): void {
    const { state, key } = this.#options;
    this.isCommitted = true;
    state.showKey(key, data.members.get(key));
  }

  #call(value: unknown): unknown {
    try {
      return this.#options.change(value);
    } catch (error) {
      this.error = error;
      throw error;
    }
  }
}

/** Checks whether this request has changed a key, or is known to have assigned to it. */
export function isAssigned(state: SessionState, key: string): boolean {
  if (state.assigned?.has(key)) return true;
  const mine = state.contents().data.members.get(key);
  return !isSameJson(mine, state.shown().data.members.get(key));
}
