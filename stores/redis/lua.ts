import { LEGACY } from "./legacy.ts";

/**
 * The start of scripts for records. `live` reads the live record under a key and returns four values:
 *
 * - the version;
 * - the identifier of the write;
 * - the text;
 * - the position in the text of the owner and the data; in a record of version 0.1, of the owner and the rest.
 *
 * For the placeholder of a record that is being moved it returns `nil` and the identifier of the write that moves it,
 * for anything else `nil`.
 *
 * The patterns read the text only up to its data, so that session data can't be mistaken for the head, and capture
 * a position, so that large data are not copied. Builds of Redis for 32 bits read no more than six digits in base 36
 * at once. ARGV: now, and more.
 */
export const RECORDS = `
local function live(key)
  local value = redis.call("GET", key) or ""
  local pattern = "^(%d+) (%w-)(%w?%w?%w?%w?%w?%w) (%w+) [^ {]+()"
  local version, high, low, write, at = string.match(value, pattern)
  local expiresAt
  if version then
    expiresAt = (tonumber(high, 36) or 0) * 36 ^ 6 + tonumber(low, 36)
  else
    version, expiresAt, write, at = string.match(value, ${LEGACY})
  end
  if not version then return nil, string.match(value, "^~(%w+)") end
  if (tonumber(expiresAt) or 0) <= tonumber(ARGV[1]) then return end
  return version, write, value, at
end
`;

/**
 * Reads the current generation of a subject's sessions under a key, and the oldest generation that a session
 * with a sid may have. The text is the generation; if a session was excepted, it is followed by the oldest
 * generation that this session may have, and its sid.
 */
export const GENERATIONS = `
local function generationsOf(key, sid)
  local present, oldest, except = string.match(redis.call("GET", key) or "", "^(%S+) ?(%S*) ?(.*)$")
  if not present then return 0, 0 end
  local isExcepted = oldest ~= "" and except == sid
  return tonumber(present), tonumber(isExcepted and oldest or present)
end
`;

/**
 * The start of scripts for lists, after {@linkcode GENERATIONS}. The last KEYS are the list of a subject, the
 * generation of its sessions, and the list of the previous subject. The last ARGV are the entry or "", its
 * score, the generation of the record or "" if it is not checked, its sid, and the previous entry or "".
 */
export const LISTS = `
local list, ended, left = unpack(KEYS, #KEYS - 2)
local entry, score, generation, sid, gone = unpack(ARGV, #ARGV - 4)

local function isEnded()
  if generation == "" then return false end
  local _, oldest = generationsOf(ended, sid)
  return tonumber(generation) < oldest
end

local function enlist()
  if gone ~= "" then redis.call("ZREM", left, gone) end
  if entry ~= "" then
    redis.call("ZREMRANGEBYSCORE", list, "-inf", ARGV[1])
    if (tonumber(redis.call("ZSCORE", list, entry)) or 0) < tonumber(score) then
      redis.call("ZADD", list, score, entry)
    end
    local latest = redis.call("ZRANGE", list, -1, -1, "WITHSCORES")[2]
    redis.call("PEXPIRE", list, math.ceil(latest - ARGV[1]))
  end
end
`;

/**
 * The channel on which the ends of sessions are reported, for all stores of a server. A user of Redis without the
 * permission to publish can end sessions nevertheless.
 */
export const CHANNEL = "hono-session:ended";
