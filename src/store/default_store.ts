import type { SessionEncoder } from "../crypto/encoder.ts";
import type { SecretOption } from "../crypto/secrets.ts";
import type { Logger } from "../events.ts";
import type { Clock } from "../util/clock.ts";
import type { SessionStore } from "./contract.ts";

/** What decides on the store of sessions that were given none. */
export interface DefaultStoreOptions {
  readonly secret: SecretOption | undefined;
  readonly encoder: SessionEncoder | undefined;
  readonly logger: Logger;
  readonly clock: Clock;
}

/** Makes the store of sessions that were given none. */
export type MakeDefaultStore = (options: DefaultStoreOptions) => SessionStore;
