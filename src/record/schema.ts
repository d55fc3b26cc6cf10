import { SessionSerializationError } from "../errors.ts";
import type { Logger } from "../events.ts";
import type { Awaitable } from "../util/awaitable.ts";
import { isObject } from "./plain_object.ts";
import { parseObject } from "./record.ts";
import { serializeValue } from "./serialize.ts";

/**
 * A validator of the Standard Schema specification, which `zod`, `valibot`, `arktype` and others implement.
 *
 * @typeParam Output The type of its result.
 *
 * @example Without a library
 * ```ts
 * import { session, type StandardSchema } from "@x/hono-session";
 * import { MapStore } from "@x/hono-session/stores/map";
 *
 * const schema: StandardSchema<{ visits?: number }> = {
 *   "~standard": {
 *     version: 1,
 *     vendor: "my-app",
 *     validate: (value) =>
 *       typeof (value as { visits?: unknown }).visits === "number"
 *         ? { value: value as { visits: number } }
 *         : { issues: [{ message: "visits is not a number" }] },
 *   },
 * };
 * session({ store: new MapStore(), schema });
 * ```
 */
export interface StandardSchema<Output> {
  /** The properties that the specification requires. */
  readonly "~standard": {
    /** The version of the specification. */
    readonly version: 1;
    /** The library of the validator. */
    readonly vendor: string;
    /** Validates a value, and may transform it. */
    readonly validate: (
      value: unknown,
    ) => Awaitable<
      | { readonly value: Output; readonly issues?: undefined }
      | { readonly issues: readonly unknown[] }
    >;
    /** The types, for the compiler only. */
    readonly types?: { readonly input: unknown; readonly output: Output } | undefined;
  };
}

/** Reads the data of a stored session, as JSON text; `undefined` when they are invalid. */
export type DataReader = (data: string, c: unknown) => Promise<string | undefined>;

/** Options of {@linkcode makeDataReader}. */
export interface DataReaderOptions {
  readonly migrate: ((data: Record<string, unknown>, c: unknown) => unknown) | undefined;
  readonly schema: StandardSchema<unknown> | undefined;
  readonly logger: Logger;
}

/** Makes a reader that migrates data, then validates them. */
export function makeDataReader(options: DataReaderOptions): DataReader | undefined {
  if (!options.migrate && !options.schema) return undefined;
  return async (text, c) => {
    try {
      const data = await read(options, parseObject(text), c);
      if (!isObject(data)) return undefined;
      // As text, so that no value is shared with the schema, such as a default value.
      return serializeValue(data, "session");
    } catch (error) {
      // Errors of the application may contain data, even in their names.
      const state = error instanceof SessionSerializationError
        ? error.message
        : "migrate or schema threw";
      options.logger.error(`Cannot read session data: ${state}`);
      return undefined;
    }
  };
}

async function read(
  { migrate, schema }: DataReaderOptions,
  stored: Record<string, unknown>,
  c: unknown,
): Promise<unknown> {
  const data = migrate ? await migrate(stored, c) : stored;
  if (!schema) return data;
  const result = await schema["~standard"].validate(data);
  return result.issues ? undefined : result.value;
}
