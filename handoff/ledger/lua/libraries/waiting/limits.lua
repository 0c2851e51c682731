-- How often, and for how long, the head of a shape may be overtaken.
--
-- KEYS     overtaking
-- @include texts/number

local DEFAULT_COUNT, DEFAULT_MS = 100, 60000

-- As many as that, and at most half of the live nodes, are held at a time.
Limits.MOST_HOLDS = 64

-- The cluster's own limits, or these; 0 = no limit. -> placements, ms
function Limits.get()
  local found = redis.call('HMGET', K.overtaking, 'count', 'ms')
  return Number.whole(found[1]) or DEFAULT_COUNT, Number.whole(found[2]) or DEFAULT_MS
end
