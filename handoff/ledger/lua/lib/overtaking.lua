-- Bounded overtaking: the head of a shape that is overtaken too often, or waits too long, holds a node.
--
-- Only heads of the first ranks can come to hold one (see MOST_HOLDS), so only those are looked at: a few at each
-- placement, all of them at each tick.
--
-- KEYS     overtaking  noted  fronts  waiting
-- @include lib/holding
-- @include lib/limits

local WINDOW = 8
-- Searches for a node to be held at one placement; the others are made at the next.
local MOST_TRIES = 3

-- A placement, when others wait that came before it, is one more by which they were overtaken.
local function count_placement(shape, rank, waited, now)
  local first = redis.call('ZRANGE', K.waiting, 0, 0, 'WITHSCORES')[2]
  if not first then
    return
  end
  if tonumber(first) > rank then
    if waited then
      count_gone()
    end
    return
  end
  local all
  for _, want in ipairs(shape.wants) do
    local count = redis.call('HINCRBY', K.overtaking, 'n:' .. family_of(want[1]), 1)
    all = want[1] == 'slots' and count or all
  end
  local most = limits()
  if most == 0 then
    return
  end
  local windows = math.ceil(math.min(redis.call('ZCARD', K.fronts), MOST_HOLDS) / WINDOW)
  -- None where all that wait stand in no line yet.
  if windows == 0 then
    return
  end
  local from = all % windows * WINDOW
  local shapes = redis.call('ZRANGE', K.fronts, from, from + WINDOW - 1)
  local tries = 0
  for i, note in ipairs(redis.call('HMGET', K.noted, unpack(shapes))) do
    if tries < MOST_TRIES and all - looked_of(note) >= most then
      tries = tries + (consider(shapes[i], false, now) and 1 or 0)
    end
  end
end

-- Heads that have waited too long, a few at a time. -> whether there may be more
local function consider_late(now)
  local _, longest_ms = limits()
  local shapes = longest_ms > 0 and redis.call('ZRANGE', K.fronts, 0, MOST_HOLDS - 1) or {}
  local count = 0
  for i, note in ipairs(#shapes > 0 and redis.call('HMGET', K.noted, unpack(shapes)) or {}) do
    if now - read_note(note).late >= longest_ms then
      consider(shapes[i], true, now)
      count = count + 1
      if count == WINDOW then
        return true
      end
    end
  end
  return false
end
