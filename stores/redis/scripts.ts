/** A script, and the SHA-1 of its text by which the server knows it. */
export interface Script {
  readonly text: string;
  sha1(): Promise<string>;
}

/**
 * What all scripts begin with: the version of the live record under a key, the write that put it there, and the
 * text after its times. The text is looked at from its start, so that what a session holds can't be taken for it.
 */
const LIVE = `
local function live(key)
  local version, expiresAt, rest = string.match(redis.call("GET", key) or "",
    '^{"version":(%d+),"lastSeenAt":[^,]+,"renewedAt":[^,]+,"expiresAt":([^,]+)(,.*)$')
  if (tonumber(expiresAt) or 0) <= tonumber(ARGV[1]) then return end
  return version, string.match(rest, '^,"write":"([^"]*)"'), rest
end
`;

/**
 * Writes a record over the previous version, or where there is none. A write that finds itself was done before
 * its answer was lost. ARGV: now, previous version or "", write, record, milliseconds to live.
 */
export const WRITE = script(`
local version, write = live(KEYS[1])
if version and write == ARGV[3] then return 1 end
if (version or "") ~= ARGV[2] then return 0 end
redis.call("SET", KEYS[1], ARGV[4], "PX", ARGV[5])
return 1`);

/** Moves a record to another key. ARGV: as above. */
export const REPLACE = script(`
local taken, write = live(KEYS[2])
if taken then return write == ARGV[3] and 1 or 0 end
if live(KEYS[1]) ~= ARGV[2] then return 0 end
redis.call("DEL", KEYS[1])
redis.call("SET", KEYS[2], ARGV[4], "PX", ARGV[5])
return 1`);

/** Puts the name of a write in place of a record of some version, for a minute. ARGV: now, version, write. */
export const REMOVE = script(`
if redis.call("GET", KEYS[1]) == ARGV[3] then return 1 end
if live(KEYS[1]) ~= ARGV[2] then return 0 end
redis.call("SET", KEYS[1], ARGV[3], "PX", 60000)
return 1`);

/** Moves the times of a record. ARGV: now, version, times, milliseconds to live. */
export const TOUCH = script(`
local version, _, rest = live(KEYS[1])
if version ~= ARGV[2] then return 0 end
redis.call("SET", KEYS[1], '{"version":' .. version .. ',' .. ARGV[3] .. rest, "PX", ARGV[4])
return 1`);

function script(body: string): Script {
  const text = `${LIVE}${body.trim()}\n`;
  let sha1: Promise<string> | undefined;
  return { text, sha1: () => sha1 ??= hash(text) };
}

async function hash(text: string): Promise<string> {
  const bytes = await crypto.subtle.digest("SHA-1", new TextEncoder().encode(text));
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
