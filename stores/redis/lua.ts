import { LEGACY } from "./legacy.ts";

/**
 * What scripts of records begin with. `live` gives the version of the live record under a key, the write that put it
 * there, and its text; `ownerOf` gives from that whose it is, "" for nobody's. They look at the text from its start up to
 * the first brace, so that what a session holds can't be taken for it. ARGV: now, and more.
 */
export const RECORDS = `
${LEGACY.trim()}

local function live(key)
  local value = redis.call("GET", key) or ""
  local version, expiresAt, write = string.match(value, "^(%d+) (%w+) (%w+) ")
  if version then
    expiresAt = tonumber(expiresAt, 36)
  else
    version, expiresAt, write = legacy(value)
  end
  if (tonumber(expiresAt) or 0) <= tonumber(ARGV[1]) then return end
  return version, write, value
end
`;

/** Whose a live record is, as it is in its text. */
export const OWNERS = `
local function ownerOf(key)
  local _, _, value = live(key)
  if not value then return "" end
  local owner = string.match(value, "^%d+ %w+ %w+ [%w_-]+ ?([^{]*){")
  if owner then return owner end
  local _, _, _, rest = legacy(value)
  return string.match(rest, '^,("subject":.-),"format":') or ""
end
`;

/**
 * What tells the present generation of a subject's sessions, by the text under a key, and the oldest one that a session
 * of some name may be of. The text is the generation, and after it where one was excepted the oldest that this one may be
 * of, and its sid.
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
 * What scripts of lists begin with, after {@linkcode GENERATIONS}. The last KEYS are the list of a subject, the
 * generation of its sessions, and the list of the subject before. The last ARGV are the entry or "", its score, the
 * generation of the record or "" when this isn't asked, its sid, and the entry before or "".
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
