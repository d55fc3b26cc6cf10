/**
 * What scripts of records begin with. `live` gives the version of the live record under a key, the write that put it
 * there, and the text after its times; `ownerOf` gives from that text whose it is. All of it is looked at from the
 * start, so that what a session holds can't be taken for it. ARGV: now, and more.
 */
export const RECORDS = `
local function live(key)
  local version, expiresAt, rest = string.match(redis.call("GET", key) or "",
    '^{"version":(%d+),"lastSeenAt":[^,]+,"renewedAt":[^,]+,"expiresAt":([^,]+)(,.*)$')
  if (tonumber(expiresAt) or 0) <= tonumber(ARGV[1]) then return end
  return version, string.match(rest, '^,"write":"([^"]*)"'), rest
end
`;

/** The text of a live record that tells whose it is, quotes in it being escaped. */
export const OWNERS = `
local function ownerOf(key)
  local _, _, rest = live(key)
  return string.match(rest or "", '^,"write":"[^"]*",("subject":.-),"format":')
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
