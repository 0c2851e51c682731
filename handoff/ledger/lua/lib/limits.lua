-- How often, and for how long, the head of a shape may be overtaken; and what is noted of each head to tell.
--
-- `n:<r>` in `overtaking` counts the placements that used r, or memory of it, and overtook somebody: how far those of what a head lacks
-- have grown since it became the head is how often it was overtaken. `n:slots` counts all of them, for every function
-- takes a slot. Of those, as many were in front of it as its place among all has moved up, less those that left without
-- overtaking anybody: `gone` counts them. A note is `<job>|<since, ms>|<place>|<gone>|<looked>|<late>|<r=count,...>`:
-- `looked` is the number of all at which it counts as not overtaken, `late` the time from which it waits; both move on
-- when it was looked at.
--
-- KEYS     overtaking  noted
-- @include lib/clock

local DEFAULT_COUNT, DEFAULT_MS = 100, 60000

-- As many as that, and at most half of the live nodes, are held at a time.
local MOST_HOLDS = 64

-- The cluster's own limits, or these; 0 = no limit.
local function limits()
  local found = redis.call('HMGET', K.overtaking, 'count', 'ms')
  return tonumber(found[1] or DEFAULT_COUNT), tonumber(found[2] or DEFAULT_MS)
end

local function read_note(note)
  local job, since, place, gone, looked, late, counters =
    string.match(note, '^([^|]*)|(%d+)|(%d+)|(%d+)|(%d+)|(%d+)|(.*)$')
  return {job = job, since = tonumber(since), place = tonumber(place), gone = tonumber(gone),
    looked = tonumber(looked), late = tonumber(late), counters = counters}
end

local function looked_of(note)
  return tonumber(string.match(note, '^[^|]*|%d+|%d+|%d+|(%d+)'))
end

local function write_note(shape_text, note)
  redis.call('HSET', K.noted, shape_text, table.concat({note.job, text(note.since), text(note.place), text(note.gone),
    text(note.looked), text(note.late), note.counters}, '|'))
end

-- One that waited has left, and overtook nobody.
local function count_gone()
  redis.call('HINCRBY', K.overtaking, 'gone', 1)
end
