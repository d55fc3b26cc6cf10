import type { MiddlewareConfig } from "../http/config.ts";
import { isPlainObject } from "../record/plain_object.ts";
import { SHAPES } from "./check_shapes.ts";

type OptionName = keyof typeof SHAPES;

const NAMES = Object.keys(SHAPES) as OptionName[];

/**
 * The effective values of options that can be written in several ways. Other options are compared as given, or
 * by their default.
 */
const SETTLED: Partial<Record<OptionName, (config: MiddlewareConfig) => unknown>> = {
  rolling: ({ expiry }) => expiry.rolling,
  cookieName: ({ cookieName }) => cookieName,
  cookieOptions: ({ transport }) =>
    transport && {
      ...transport.cookie.attributes,
      former: transport.former.map(({ attributes }) => attributes),
    },
  adopt: ({ options, adopt }) => adopt && { ...(options.adopt as object), until: adopt.until },
  initial: ({ options, initial }) =>
    typeof options.initial === "function" ? options.initial : initial(),
  events: ({ events }) => events,
};

/** Configurations that are known to be the same. */
const same = new WeakMap<MiddlewareConfig, WeakSet<MiddlewareConfig>>();

/**
 * Returns the names of the options in which a configuration differs from the one that already serves the
 * request. Equal configurations are compared only once.
 */
export function differencesOf(second: MiddlewareConfig, first: MiddlewareConfig): string[] {
  const known = same.get(second);
  if (second === first || known?.has(first)) return [];
  const names = NAMES.flatMap((name) => {
    // The second middleware loads the session if the first has not.
    if (name === "lazy" && !second.lazy) return [];
    return differencesIn(name, settled(name, first), settled(name, second));
  });
  if (names.length > 0) return names;
  if (known) known.add(first);
  else same.set(second, new WeakSet([first]));
  return [];
}

function settled(name: OptionName, config: MiddlewareConfig): unknown {
  const settle = SETTLED[name];
  return settle ? settle(config) : config.options[name];
}

/** Returns the names of the differences of an option: those of its members, where both values have members. */
function differencesIn(name: string, one: unknown, other: unknown): string[] {
  if (Object.is(one, other)) return [];
  if (Array.isArray(one) && Array.isArray(other)) {
    const isSame = one.length === other.length &&
      one.every((each, at) => differencesIn(name, each, other[at]).length === 0);
    return isSame ? [] : [name];
  }
  if (!isPlainObject(one) || !isPlainObject(other)) return [name];
  const members = new Set([...Object.keys(one), ...Object.keys(other)]);
  return [...members].flatMap((member) =>
    differencesIn(`${name}.${member}`, Reflect.get(one, member), Reflect.get(other, member))
  );
}
