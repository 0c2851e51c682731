-- What follows from an end in a run may be more than one script has the budget for: it is noted as left over,
-- `<kind>|<run>|<number>` with how far it has come (lib/unfold). What a script leaves itself is in memory until its end.
--
-- KEYS     unfolding
-- @finally save_unfolding

local left_over, left_first = {}, 1

local function later(kind, run, number, from)
  left_over[#left_over + 1] = {kind .. '|' .. run .. '|' .. number, from or 0}
end

local function has_left_over()
  return left_first <= #left_over
end

-- The next thing to be done: what this script left first, else what others left. -> `<kind>|<run>|<number>`, how far
local function next_left_over()
  local own = left_over[left_first]
  if own then
    left_first = left_first + 1
    return own[1], own[2]
  end
  local first = redis.call('ZRANGE', K.unfolding, 0, 0, 'WITHSCORES')
  if first[1] then
    redis.call('ZREM', K.unfolding, first[1])
  end
  return first[1], tonumber(first[2])
end

local function save_unfolding()
  for i = left_first, #left_over do
    redis.call('ZADD', K.unfolding, left_over[i][2], left_over[i][1])
  end
  left_over, left_first = {}, 1
end
