import type { SessionLimit } from "../commit/context.ts";
import type { RotationPolicy } from "../commit/rotation.ts";
import { INSTEAD } from "../util/foreign_options.ts";
import { MIDDLEWARE } from "../util/option_errors.ts";
import { checkTable, type OptionTable } from "../util/option_table.ts";
import type { AdoptOptions } from "./adopt_options.ts";
import { SHAPES } from "./shapes.ts";
import type { SessionDeviceOptions, SessionOptions, SessionTokenOptions } from "./options.ts";

/** The given options, for data of any type. */
// deno-lint-ignore no-explicit-any -- The checks are the same for all types of data.
export type GivenOptions = SessionOptions<any, string>;

/** The names of options that have a default. */
type PresetName = {
  [Name in keyof typeof SHAPES]: typeof SHAPES[Name] extends { preset: unknown } ? Name : never;
}[keyof typeof SHAPES];

/** Options with their defaults. */
export type WholeOptions =
  & Omit<
    GivenOptions,
    "rotate" | "maxSessions" | "revokeEverything" | "device" | "token" | "adopt" | PresetName
  >
  & { readonly [Name in Exclude<PresetName, "live">]: NonNullable<GivenOptions[Name]> }
  & {
    readonly rotate?: RotationPolicy;
    readonly maxSessions?: SessionLimit;
    readonly live: { readonly every: number };
    readonly revokeEverything?: { readonly every: number };
    readonly device?: Required<SessionDeviceOptions>;
    readonly token?:
      & Required<Omit<SessionTokenOptions, "secret" | "audience">>
      & Pick<SessionTokenOptions, "secret" | "audience">;
    readonly adopt?: Omit<AdoptOptions, "until"> & { readonly until: number };
  };

const TABLE: OptionTable = { ...MIDDLEWARE, shapes: SHAPES, instead: INSTEAD };

/**
 * Returns a copy of the options with their defaults, independent of later changes by the application.
 *
 * @throws {TypeError} When the options are not an object, or one is missing, unknown or of the wrong kind.
 * @throws {RangeError} When a number is out of range.
 */
export function readOptions(given: object): WholeOptions {
  const options = checkTable<WholeOptions>(TABLE, given);
  const { device, contextKey } = options;
  if (!device) return options;
  const named = contextKey === "session" ? "" : `/${encodeURIComponent(contextKey)}`;
  return { ...options, device: { ...device, path: device.path ?? `/_session/device${named}` } };
}
