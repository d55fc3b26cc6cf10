import { SessionEndedError } from "../errors.ts";
import type { Confirmations } from "../record/confirmations.ts";
import type { SessionEndReason } from "../record/end_reason.ts";
import type { SessionProvider } from "../record/provider.ts";
import { clearProperties } from "../util/property.ts";
import { readOnly, refusingChanges } from "./read_only.ts";
import { type SessionController, SessionObject } from "./session_object.ts";

/** @throws {SessionEndedError} Always: the session has ended. */
export function refuseEnded(action: string): never {
  throw new SessionEndedError(
    `Cannot ${action} session: it has ended; assign an object or call startSession(c) to start another one`,
  );
}

const NONE: Confirmations = new Map();

const refuseChange = () => refuseEnded("change");

const HANDLER = readOnly(refuseChange);

/** The prototype of an ended session object: assignments to the object are refused here. */
const PROTOTYPE = new Proxy(Object.create(SessionObject.prototype), refusingChanges(refuseChange));

/** The controller of an ended session: it is empty and keeps its `sid` for logs. */
class EndedController implements SessionController {
  readonly sid: string;
  readonly #at: number;

  constructor(sid: string, at: number) {
    this.sid = sid;
    this.#at = at;
  }

  confirmations(): Confirmations {
    return NONE;
  }

  confirm(): never {
    return refuseEnded("confirm");
  }

  endSignal(): AbortSignal {
    return AbortSignal.abort("logout" satisfies SessionEndReason);
  }

  get subject(): undefined {
    return undefined;
  }

  set subject(_: string | undefined) {
    refuseChange();
  }

  get provider(): undefined {
    return undefined;
  }

  set provider(_: SessionProvider | undefined) {
    refuseChange();
  }

  get device(): undefined {
    return undefined;
  }

  get meta(): undefined {
    return undefined;
  }

  set meta(_: object | undefined) {
    refuseChange();
  }

  isNew(): boolean {
    return true;
  }

  hasChanged(): boolean {
    return false;
  }

  expiresAt(): number {
    return this.#at;
  }

  destroy(): void {}

  discard(): void {}

  regenerate(): never {
    return refuseEnded("regenerate");
  }

  renew(): never {
    return refuseEnded("renew");
  }

  flash(): never {
    return refuseEnded("flash");
  }

  reflash(): never {
    return refuseEnded("reflash");
  }

  update(): never {
    return refuseEnded("update");
  }

  save(): never {
    return refuseEnded("save");
  }

  toObject(): Record<string, unknown> {
    return {};
  }
}

/**
 * Clears a session object that a handler may still hold, and makes it refuse changes.
 *
 * @param at When the session ended, in epoch milliseconds.
 * @returns The session that the request reads from now on. As a proxy it refuses every change, which the object
 * itself can't.
 */
export function endSession(session: SessionObject, at: number): SessionObject {
  const controller = new EndedController(session.sid, at);
  SessionObject.handOver(session, controller);
  clearProperties(session);
  Reflect.setPrototypeOf(session, PROTOTYPE);
  Reflect.preventExtensions(session);
  return new Proxy<SessionObject>(new SessionObject(controller), HANDLER);
}
