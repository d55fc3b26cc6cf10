import type { SessionEncoder } from "../../src/crypto/encoder.ts";
import { SessionSerializationError } from "../../src/errors.ts";
import { isSameJson } from "../../src/record/deep_equal.ts";
import { parseMembers, parseObject } from "../../src/record/record.ts";

/**
 * Encodes a payload with the encoder of the application.
 *
 * @throws {SessionSerializationError} When decoding does not return the same payload.
 */
export async function encodePayload(
  encoder: SessionEncoder,
  { payload, secret }: { payload: string; secret: string },
): Promise<string> {
  const value: unknown = await encoder.encode(parseObject(payload), secret);
  if (typeof value !== "string") refuse("encoder.encode returns no string");
  const decoded = await decodeAgain(encoder, { value, secret });
  const lost = [...parseMembers(payload)]
    .filter(([key, member]) => !isSameJson(member, decoded.get(key)))
    .map(([key]) => JSON.stringify(key))
    .join(", ");
  if (lost) {
    refuse(
      `encoder loses ${lost}; encoder.decode must return every member that encoder.encode receives`,
    );
  }
  return value;
}

async function decodeAgain(
  encoder: SessionEncoder,
  { value, secret }: { value: string; secret: string },
): Promise<Map<string, string>> {
  try {
    return parseMembers(JSON.stringify(await encoder.decode(value, secret)));
  } catch (cause) {
    return refuse("encoder.decode rejects the result of encoder.encode", { cause });
  }
}

function refuse(state: string, options?: ErrorOptions): never {
  throw new SessionSerializationError(`Cannot seal session: ${state}`, options);
}
