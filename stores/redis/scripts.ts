import { GENERATION_KEPT } from "../../src/store/generation.ts";
import { GENERATIONS, LISTS, OWNERS, RECORDS } from "./lua.ts";
import { type Script, script } from "./script.ts";

/** A script that writes a record, alone or together with the lists of subjects. Answers 1, 0, or -1 when refused. */
export interface WriteScript {
  readonly alone: Script;
  readonly listed: Script;
}

/**
 * Writes a record over the previous version, or where there is none. A write that finds itself was done before
 * its answer was lost. ARGV: now, previous version or "", write, record, milliseconds to live.
 */
export const WRITE = writeScript(`
local version, write = live(KEYS[1])
if version and write == ARGV[3] then return 1 end
if (version or "") ~= ARGV[2] then return 0 end
redis.call("SET", KEYS[1], ARGV[4], "PX", ARGV[5])
return 1`);

/** Moves a record to another key. ARGV: as above, then what is left under the old key and how long, or "" twice. */
export const REPLACE = writeScript(`
local taken, write = live(KEYS[2])
if taken then return write == ARGV[3] and 1 or 0 end
if live(KEYS[1]) ~= ARGV[2] then return 0 end
if ARGV[6] == "" then redis.call("DEL", KEYS[1])
else redis.call("SET", KEYS[1], ARGV[6], "PX", ARGV[7]) end
redis.call("SET", KEYS[2], ARGV[4], "PX", ARGV[5])
return 1`);

/**
 * Moves the times of a record, but not of one that version 0.1 has written. ARGV: now, version, end, the rest of the record,
 * milliseconds to live.
 */
export const TOUCH = writeScript(`
local version, write, value = live(KEYS[1])
if version ~= ARGV[2] then return 0 end
local tail = string.match(value, "^%d+ %w+ %w+ [%w_-]+(.*)$")
if not tail then return 0 end
local head = version .. " " .. ARGV[3] .. " " .. write .. " " .. ARGV[4]
redis.call("SET", KEYS[1], head .. tail, "PX", ARGV[5])
return 1`);

/** The write that moves the record away of which a text is in place; a function of scripts. */
const MOVED = `
local function movedBy(key)
  return string.match(redis.call("GET", key) or "", "^~(%w+)")
end
`;

/**
 * Puts the name of a write in place of a record of some version, for a minute, and after it what a list shows of the
 * session until it has moved. ARGV: now, version, write, text of a record or nothing.
 */
export const REMOVE = script(
  RECORDS,
  MOVED,
  `
if movedBy(KEYS[1]) == ARGV[3] then return 1 end
if live(KEYS[1]) ~= ARGV[2] then return 0 end
redis.call("SET", KEYS[1], "~" .. ARGV[3] .. " " .. (ARGV[4] or ""), "PX", 60000)
return 1`,
);

/**
 * Ends a move: puts what is left of it, if anything, in place of what {@linkcode REMOVE} has put there. Answers 0 when that
 * is gone, as the session was ended while it moved. ARGV: now, previous version, write, what is left or "", milliseconds
 * to live.
 */
export const SETTLE = script(
  RECORDS,
  MOVED,
  `
local _, write = live(KEYS[1])
if write == ARGV[3] then return 1 end
if movedBy(KEYS[1]) ~= ARGV[3] then return 0 end
if ARGV[4] ~= "" then redis.call("SET", KEYS[1], ARGV[4], "PX", ARGV[5]) end
return 1`,
);

/** Deletes a record and answers whose it was. ARGV: now. */
export const DELETE = script(
  RECORDS,
  OWNERS,
  `
local owner = ownerOf(KEYS[1])
redis.call("DEL", KEYS[1])
return owner`,
);

/**
 * Deletes the records that are still of these owners. ARGV: now, the owner of each, and as version 0.1 has written it. Answers
 * how many.
 */
export const END = script(
  RECORDS,
  OWNERS,
  `
local count = 0
for i, key in ipairs(KEYS) do
  local owner = ownerOf(key)
  if owner ~= "" and (owner == ARGV[2 * i] or owner == ARGV[2 * i + 1]) then
    count = count + redis.call("DEL", key)
  end
end
return count`,
);

/** Changes the list of a subject alone. ARGV: now, and what {@linkcode LISTS} takes. */
export const ENLIST = script(
  GENERATIONS,
  LISTS,
  `
if isEnded() then return -1 end
enlist()
return 1`,
);

/** The entries in the list of a subject and their scores. ARGV: now. */
export const LIST = script(`
redis.call("ZREMRANGEBYSCORE", KEYS[1], "-inf", ARGV[1])
return redis.call("ZRANGE", KEYS[1], 0, -1, "WITHSCORES")`);

/** Takes entries off a list whose scores are still these. ARGV: entries and scores. */
export const STRIKE = script(`
for i = 1, #ARGV, 2 do
  if redis.call("ZSCORE", KEYS[1], ARGV[i]) == ARGV[i + 1] then
    redis.call("ZREM", KEYS[1], ARGV[i])
  end
end`);

/**
 * Begins the next generation of the sessions of a subject, and remembers it for a day, longer than any login is under way.
 * ARGV: now, and the sid that is excepted or "". Answers the generation.
 */
export const RAISE = script(
  GENERATIONS,
  `
local present, oldest = generationsOf(KEYS[1], ARGV[2])
local next = string.format("%.0f", math.max(present + 1, math.floor(ARGV[1])))
local except = ARGV[2] == "" and "" or string.format(" %.0f %s", oldest, ARGV[2])
redis.call("SET", KEYS[1], next .. except, "PX", ${GENERATION_KEPT})
return next`,
);

function writeScript(body: string): WriteScript {
  const listed = `
local function write()
${body.trim()}
end
if isEnded() then return -1 end
local done = write()
if done == 1 then enlist() end
return done`;
  return { alone: script(RECORDS, body), listed: script(RECORDS, GENERATIONS, LISTS, listed) };
}
