import { commit } from "./commit.ts";
import type { Committing } from "./committing.ts";
import type { SessionState } from "./session_state.ts";

/** How a session begins. */
export interface Beginning {
  readonly data: object;
  /** Asks more of it. */
  readonly prepare: (session: SessionState) => void;
}

/** Stores a session that nobody has seen yet, whatever it holds. */
export async function start(
  committing: Committing,
  state: SessionState,
  { data, prepare }: Beginning,
  c: unknown,
): Promise<void> {
  state.assertNotCommitted("start");
  state.replaceData(data);
  prepare(state);
  const options = { keepChanges: true, consumeFlash: false, storeEmpty: true };
  await commit(committing, state, options, c);
  state.assertLive("start");
}
