import type { Context } from "hono";

/** The largest body of a request, in bytes. */
const MOST_BYTES = 65_536;

/** Returns the logout token in the form of a request; `undefined` when there is not exactly one, or the form is too large. */
export async function logoutTokenOf({ req }: Context): Promise<string | undefined> {
  const [type] = (req.header("content-type") ?? "").split(";");
  if (type?.trim().toLowerCase() !== "application/x-www-form-urlencoded") return undefined;
  // Another middleware may have read the body: Hono keeps it.
  const text = req.raw.bodyUsed ? await req.text() : await readBody(req.raw);
  const tokens = new URLSearchParams(text).getAll("logout_token");
  return tokens.length === 1 && tokens[0] !== "" ? tokens[0] : undefined;
}

/** Reads a body; `undefined` when it is too large. */
async function readBody({ body, headers }: Request): Promise<string | undefined> {
  if (!body || Number(headers.get("content-length")) > MOST_BYTES) return undefined;
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.byteLength;
    if (bytes > MOST_BYTES) return undefined;
    text += decoder.decode(chunk, { stream: true });
  }
  return text;
}
