import { isConfirmation } from "./model_confirmations.ts";
import { SUBJECT } from "./model_memory.ts";

/** What a handler does. */
export type Op =
  | { readonly do: "bind"; readonly subject: string | undefined }
  | { readonly do: "revokeAll"; readonly subject: string; readonly keepsOwn: boolean }
  | { readonly do: "revokeEverything" }
  | { readonly do: "list"; readonly subject: string }
  | { readonly do: "set" | "delete" | "nest"; readonly key: string }
  | { readonly do: "confirm"; readonly method: string }
  | {
    readonly do:
      | "increment"
      | "flash"
      | "renew"
      | "regenerate"
      | "save"
      | "discard"
      | "destroy"
      | "start";
  };

/** Whether something took effect: `maybe` while its request runs, and when the store failed under it. */
export type Fate = "done" | "maybe" | "never";

/** A moment: the place in the order of all that happened, and what a true clock showed, in epoch milliseconds. */
export interface Moment {
  readonly place: number;
  readonly clock: number;
}

/** Something that a handler put into a session, or deleted there. */
export interface Change {
  readonly sid: string;
  readonly key: string;
  /** The JSON text; `undefined` when it was deleted. */
  readonly value: string | undefined;
  /** The place in the order. */
  readonly place: number;
  /** Of a confirmation: whose session it was, as JSON text. */
  readonly subject?: string | undefined;
  /** Whether it was committed before the request ended. */
  saved?: "done" | "maybe";
  /** What became of it, where that is not what became of all changes of the request. */
  fate?: Fate;
}

/** How a request is asked, as far as the library can tell. */
export interface Asked {
  readonly presented: string | undefined;
  /** Whether its handler does nothing but look, or forgets all that it has changed. */
  readonly isLook: boolean;
  /** Whether its answer can show what was flashed before. */
  readonly isPage: boolean;
  /** Whether it is conditional, so that its answer may lose its cookies on the way. */
  readonly isConditional: boolean;
  /** Which process answers. */
  readonly process: number;
}

/** The answers that say that the request did what it did. */
const SUCCESSES: readonly number[] = [200, 303, 403];

/** One request, as its client and its handler see it. */
export class Visit {
  readonly asked: Asked;
  readonly begin: Moment;
  end: Moment | undefined;
  /** When the handler was through. */
  handled = Infinity;
  /** The session that was found for the client. */
  loaded: string | undefined;
  /** What its handler found there: a JSON text per key. */
  seen: Readonly<Record<string, string>> = {};
  /** What its session showed in the end: a JSON text per key. */
  left: Readonly<Record<string, string>> = {};
  /** The session at the end of the handler, or the one that took its place in the commit. */
  sid: string | undefined;
  status = 0;
  /** The token that the response gives the client; `null` to forget it. */
  cookie: string | null | undefined;
  /** Whether nobody was given this token before. */
  isFresh = false;
  /** How many calls of the store are under way, and when the last one was over. */
  callsUnderWay = 0;
  lastCall = 0;
  /** Calls of the store, and how often it refused. */
  calls: string[] = [];
  refusals = 0;
  /** When the store failed under it. */
  faults: ("before the commit" | "in the commit")[] = [];
  /** The sessions that it was told have been created. */
  readonly created: string[] = [];
  /** The sessions that it was told have ended elsewhere. */
  readonly interruptions: string[] = [];
  rejections: string[] = [];
  readonly changes: Change[] = [];
  readonly flashed: Change[] = [];
  /** What it assigned although it was so already: no change, unless another session takes the place of this one. */
  assigned: Change[] = [];
  /** When it was read what a login depends on, after which it has begun for sure. */
  loginBegan = 0;
  /** Whether its handler was told that the session has ended elsewhere. */
  isToldOfEnd = false;
  /** Whether its handler has ended the session, and begun no other. */
  hasEnded = false;
  /** The sessions that it ended. */
  readonly ended: { sid: string; by: "destroy" | "start" }[] = [];
  /** The sessions that its handler has held. */
  readonly held = new Set<string>();
  /** The sessions that were committed before the request ended, or may have been. */
  readonly saved = new Set<string>();
  renewals: { readonly sid: string; isSaved: boolean }[] = [];
  regenerated: string[] = [];
  /** The sessions whose new token is not stored yet. */
  readonly unsavedTokens = new Set<string>();
  /** The session that it came with, and the independent one that took its place for it. */
  startedOver: { from: string; to: string } | undefined;

  constructor(asked: Asked, begin: Moment) {
    this.asked = asked;
    this.begin = begin;
  }

  get presented(): string | undefined {
    return this.asked.presented;
  }

  /** What it did to make sessions a subject's. */
  get logins(): Change[] {
    return [...this.changes, ...this.assigned].filter(({ key, value, fate }) =>
      key === "subject" && value !== undefined && fate === undefined
    );
  }

  /** Whether the answer is one that commits. */
  get isSuccess(): boolean {
    return SUCCESSES.includes(this.status);
  }

  /** Something of the session may have been committed, with all that was changed before. */
  saves(sid: string, fate: "done" | "maybe"): void {
    this.saved.add(sid);
    if (fate === "done") this.unsavedTokens.delete(sid);
    for (const renewal of this.renewals) if (renewal.sid === sid) renewal.isSaved = true;
    for (const change of [...this.changes, ...this.flashed]) {
      if (change.sid === sid && change.saved !== "done") change.saved = fate;
    }
  }

  /** What was changed of the session and not saved is forgotten. */
  discards(sid: string): void {
    for (const list of [this.changes, this.flashed]) {
      const kept = list.filter((change) => change.sid !== sid || change.saved !== undefined);
      for (const change of kept) if (change.saved === "maybe") change.fate = "maybe";
      list.splice(0, Infinity, ...kept);
    }
    this.renewals = this.renewals.filter((renewal) => renewal.sid !== sid || renewal.isSaved);
    this.assigned = this.assigned.filter((change) => change.sid !== sid);
  }

  /** Another session takes the place of one, with nothing but what was changed of that and not saved. */
  startsOver(from: string, to: string): void {
    this.changes.push(...this.assigned.splice(0));
    for (const list of [this.changes, this.flashed]) {
      const taken = list.filter(({ sid, saved, fate }) =>
        sid === from && saved !== "done" && fate === undefined
      );
      const subject = taken.findLast(({ key }) => key === SUBJECT)?.value;
      for (const change of taken) {
        const { key, value, place } = change;
        // Whose session was confirmed is not whose the other one is.
        const isOther = isConfirmation(key) && change.subject !== subject;
        if (!isOther) list.push({ sid: to, key, value, place, subject: change.subject });
        change.fate = change.saved ?? "never";
      }
    }
    this.renewals = this.renewals.filter((renewal) => renewal.sid !== from || renewal.isSaved);
    // Unless it was not told that it has given it another token itself.
    if (this.faults.length === 0) this.regenerated = this.regenerated.filter((sid) => sid !== from);
    this.startedOver = { from, to };
    this.held.add(to);
    if (this.sid === from) this.sid = to;
  }

  /** The confirmations of a session that are not committed yet. */
  unsavedConfirmations(sid: string): Change[] {
    return this.changes.filter((change) =>
      change.sid === sid && isConfirmation(change.key) && change.saved !== "done" &&
      change.fate === undefined
    );
  }

  /** Whether it makes a session another subject's than it was found to be, so that a cookie is left behind that says so. */
  leaves(sid: string): boolean {
    const { subject } = this.seen;
    return sid === this.loaded && subject !== undefined &&
      this.changes.some(({ key, fate }) => key === "subject" && fate === undefined);
  }

  /** Whether it asked for another life of a session. */
  renews(sid: string): boolean {
    return this.renewals.some((renewal) => renewal.sid === sid);
  }

  /** Whether it may have renewed a session. */
  mayRenew(sid: string): boolean {
    const isKept = this.fate(sid) !== "never";
    return this.renewals.some((renewal) => renewal.sid === sid && (isKept || renewal.isSaved));
  }

  isInterrupted(sid: string | undefined): boolean {
    return sid !== undefined && this.interruptions.includes(sid);
  }

  /** What became of a change. */
  fateOf({ sid, saved, fate = this.fate(sid) }: Change): Fate {
    if (saved === "done") return saved;
    return fate === "never" ? saved ?? fate : fate;
  }

  /** What became of changes of data that were not saved. */
  fate(sid: string): Fate {
    if (!this.end) return "maybe";
    // A session that was stored meanwhile, by an update, has them even when the handler failed then.
    if (this.status === 500) return this.loaded === sid ? "never" : "maybe";
    return this.isSuccess && this.sid === sid && !this.isInterrupted(sid) ? "done" : "maybe";
  }

  fateOfEnd({ by }: { by: "destroy" | "start" }): Fate {
    if (!this.end) return "maybe";
    return this.isSuccess || by === "destroy" && this.cookie === null ? "done" : "maybe";
  }

  fateOfRegeneration(sid: string): Fate {
    if (!this.end) return "maybe";
    if (this.isInterrupted(sid)) return this.faults.length > 0 ? "maybe" : "never";
    // When the store failed, a token may be that of a creation or a rotation before.
    const isTold = this.isSuccess ||
      this.status === 500 && this.loaded === sid && !this.faults.length;
    return isTold && this.sid === sid && this.isFresh ? "done" : "maybe";
  }

  /** Whether it has done all that it does, after its answer as well, before a place in the order. */
  isOver(place: number): boolean {
    return this.isBefore(place) && this.callsUnderWay === 0 && this.lastCall < place;
  }

  /** Whether all of it was before a place in the order. */
  isBefore(place: number): boolean {
    return this.end !== undefined && this.end.place < place;
  }
}
