import { copyValue } from "../record/deep_copy.ts";
import { ownValue, setProperty } from "../util/property.ts";
import { commit, commitInTurn } from "./commit.ts";
import { type CommitConfig, CommitContext } from "./context.ts";
import { isAssigned, KeyChange, type KeyChangeOptions } from "./key_change.ts";

/**
 * Changes one key of a session as a transaction, and returns the committed value.
 *
 * @throws {SessionEndedError} When the session has ended.
 */
export async function transaction(
  config: CommitConfig,
  options: KeyChangeOptions,
  c: unknown,
): Promise<unknown> {
  const { state, key } = options;
  const { atomic } = config.store.capabilities;
  const isStored = atomic && state.stored !== undefined;
  if (isStored) {
    const change = new KeyChange(options);
    await commitInTurn(new CommitContext(config, { state, change }, c));
    if (change.isCommitted) return ownValue(state.session, key);
    state.assertLive("update");
  }
  // If the commit starts over, only the value of this request counts.
  const isOwn = !isStored || isAssigned(state, key);
  const value = copyValue(options.change(isOwn ? ownValue(state.session, key) : undefined));
  state.assertLive("update");
  // Assigning the value again marks it as assigned: this is tracked after regenerate().
  if (Object.hasOwn(state.session, key)) Reflect.set(state.session, key, value);
  else setProperty(state.session, key, value);
  // A plain change is committed with the response, if that was not sent yet.
  if (atomic || state.isCommitted) {
    await commit(config, { state }, c);
    state.assertLive("update");
  }
  return ownValue(state.session, key);
}
