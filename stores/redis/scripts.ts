import { GENERATION_KEPT } from "../../src/store/generation_lifetime.ts";
import { CHANNEL, GENERATIONS, LISTS, RECORDS } from "./lua.ts";
import { type Script, script } from "./script.ts";

/** A script that writes a record, alone or together with the lists of subjects. Returns 1, 0, or -1 when refused. */
export interface WriteScript {
  readonly alone: Script;
  readonly listed: Script;
}

/**
 * Writes a text over the previous version of a record, or under a new key. The text is a record, or the placeholder
 * of a record that is being moved. A write that finds its own identifier in a record or a placeholder was already
 * done, and its reply was lost. ARGV: now, previous version or "", write, text, milliseconds to live.
 */
export const WRITE = writeScript(`
local version, write = live(KEYS[1])
if write == ARGV[3] then return 1 end
if (version or "") ~= ARGV[2] then return 0 end
redis.call("SET", KEYS[1], ARGV[4], "PX", ARGV[5])
return 1`);

/** Moves a record to another key. ARGV: as above, then the trace for the old key and its time to live, or "" twice. */
export const REPLACE = writeScript(`
local taken, write = live(KEYS[2])
if taken then return write == ARGV[3] and 1 or 0 end
if live(KEYS[1]) ~= ARGV[2] then return 0 end
if ARGV[6] == "" then redis.call("DEL", KEYS[1])
else redis.call("SET", KEYS[1], ARGV[6], "PX", ARGV[7]) end
redis.call("SET", KEYS[2], ARGV[4], "PX", ARGV[5])
redis.pcall("PUBLISH", "${CHANNEL}", KEYS[1] .. " ")
return 1`);

/**
 * Changes the times of a record, but not of one that version 0.1 has written. ARGV: now, version, expiry, the
 * rest of the record, milliseconds to live.
 */
export const TOUCH = writeScript(`
local version, write, value, at = live(KEYS[1])
if version ~= ARGV[2] or string.sub(value, 1, 1) == "{" then return 0 end
local head = version .. " " .. ARGV[3] .. " " .. write .. " " .. ARGV[4]
redis.call("SET", KEYS[1], head .. string.sub(value, at), "PX", ARGV[5])
return 1`);

/**
 * Ends a move: replaces the placeholder with the trace, if any. Returns 1 also when the trace is already there, and 0
 * when the placeholder is gone because the session was ended during the move. ARGV: now, write, trace or "",
 * milliseconds to live.
 */
export const SETTLE = script(
  RECORDS,
  `
local version, write = live(KEYS[1])
if write ~= ARGV[2] then return 0 end
local isPlaceholder = not version
if isPlaceholder and ARGV[3] ~= "" then redis.call("SET", KEYS[1], ARGV[3], "PX", ARGV[4]) end
return 1`,
);

/**
 * Deletes records and reports their end: all, or those that still have these owners. Returns the owner of each
 * record that was deleted. ARGV: now, the reason for the end or "", the owner of each or nothing, and the same in
 * the format of version 0.1.
 */
export const END = script(
  RECORDS,
  `
local ended = {}
for i, key in ipairs(KEYS) do
  local _, _, value, at = live(key)
  local owner = value and (string.match(value, "^ ([^{]*){", at)
    or string.match(value, '^,("subject":.-),"format":', at)) or ""
  local isSame = owner ~= "" and (owner == ARGV[2 * i + 1] or owner == ARGV[2 * i + 2])
  if (isSame or #ARGV == 2) and redis.call("DEL", key) == 1 then
    redis.pcall("PUBLISH", "${CHANNEL}", key .. " " .. ARGV[2])
    table.insert(ended, owner)
  end
end
return ended`,
);

/** Changes only the list of a subject. ARGV: now, and the arguments of {@linkcode LISTS}. */
export const ENLIST = writeScript("return 1").listed;

/** Returns the entries in the list of a subject with their scores. ARGV: now. */
export const LIST = script(`
redis.call("ZREMRANGEBYSCORE", KEYS[1], "-inf", ARGV[1])
return redis.call("ZRANGE", KEYS[1], 0, -1, "WITHSCORES")`);

/** Removes entries from a list if their scores have not changed. ARGV: entries and scores. */
export const STRIKE = script(`
for i = 1, #ARGV, 2 do
  if redis.call("ZSCORE", KEYS[1], ARGV[i]) == ARGV[i + 1] then
    redis.call("ZREM", KEYS[1], ARGV[i])
  end
end`);

/**
 * Starts the next generation of a subject's sessions, and keeps it for a day, which is longer than any login.
 * ARGV: now, and the excepted sid or "". Returns the generation.
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
