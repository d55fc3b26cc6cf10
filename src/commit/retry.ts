import { SessionConflictError } from "../errors.ts";
import { emit } from "../events.ts";
import { type Contents, contentsOf } from "../record/contents.ts";
import { isSessionRecord, type SessionRecord, type Stored, type Trace } from "../record/record.ts";
import type { SessionState } from "../session/session_state.ts";
import { ticks } from "../util/clock.ts";
import { COMMIT_TRIES } from "../util/tries.ts";
import type { Committing } from "./context.ts";
import { follow } from "./rotation.ts";

/** The longest pause before the third try, in milliseconds; twice as long before each further one. */
const FIRST_PAUSE = 25;
/** The longest pause, in milliseconds. */
const LONGEST_PAUSE = 200;

/** The tries of one write against those of other requests: as many as there is time for. */
export class Retry {
  readonly #until: number;
  #tries = 1;

  /** @param timeout How long it is tried, in milliseconds. */
  constructor(timeout: number) {
    this.#until = ticks() + timeout;
  }

  /** How often it was tried. */
  get tries(): number {
    return this.#tries;
  }

  /**
   * Waits for the next try: not at all before the second, then longer each time and never as long as another request.
   *
   * @returns Whether there is time left for one.
   */
  async next(): Promise<boolean> {
    if (this.#tries === COMMIT_TRIES) return false;
    if (this.#tries > 1) {
      const longest = Math.min(FIRST_PAUSE * 2 ** (this.#tries - 2), LONGEST_PAUSE);
      const pause = Math.random() * longest;
      if (ticks() + pause >= this.#until) return false;
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
    this.#tries++;
    return true;
  }
}
/** Reads again what another request wrote first, under another token if it is so, or why it is gone. */
export async function reread(
  committing: Committing,
  state: SessionState,
  { current, retry }: { current: Stored; retry: Retry },
  c: unknown,
): Promise<Stored | Trace> {
  const { tries } = retry;
  if (!await retry.next()) {
    throw new SessionConflictError(
      `Cannot commit session: other requests were faster in ${tries} tries`,
    );
  }
  const record = await committing.store.read(current.key, c);
  if (!isSessionRecord(record)) return "ended";
  // It was accepted when it came. The grace is only for those that come later.
  const fresh = await follow(committing.store, { from: { ...current, record }, now: -Infinity }, c);
  if (typeof fresh === "string") return fresh;
  const now = committing.clock();
  if (!state.isLiveFor(fresh.record, now) || !isReadable(fresh.record)) return "ended";
  if (fresh.token !== current.token) {
    state.moved({ isLate: now >= (record.graceUntil ?? Infinity) });
  }
  emit(committing, "conflict", { sid: state.sid, tries }, c);
  return fresh;
}

/** The contents of a record that was read again, brought up to date. Data that don't fit stay as they are. */
export async function readContents(
  { readData }: Committing,
  record: SessionRecord,
  c: unknown,
): Promise<Contents> {
  const data = await readData?.(record.data, c);
  return contentsOf(data === undefined ? record : { ...record, data });
}

function isReadable(record: SessionRecord): boolean {
  try {
    const { data, flash } = contentsOf(record);
    return Boolean(data.copy() && flash.copy());
  } catch {
    return false;
  }
}
