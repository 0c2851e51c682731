-- What was found of who could hold what when idle, until a node, or what all share, changes: `Judged.forget` is called by
-- whatever changes one of them.
--
-- KEYS     able  nearest  shape
-- @include texts/number  writes

-- Bounds of what is kept of the nearest: demands, and bytes of one with its answer.
local MOST_DEMANDS, LONGEST = 1000, 2048

function Judged.forget()
  redis.call('DEL', K.able, K.nearest)
end

-- How many live nodes could hold a shape, nil where that is not known.
function Judged.count(shape_text)
  return Number.whole(redis.call('HGET', K.able, shape_text))
end

-- Of a shape that waits: every function that joins it is told.
function Judged.keep_count(shape_text, count)
  if redis.call('EXISTS', Writes.settle(K.shape .. shape_text)) == 1 then
    redis.call('HSET', K.able, shape_text, count)
  end
end

-- When nobody waits with the shape any more.
function Judged.drop(shape_text)
  redis.call('HDEL', K.able, shape_text)
end

-- Of a demand that no live node could hold the nearest (texts/shortfall), nil where that is not known.
function Judged.nearest(demand_text)
  return redis.call('HGET', K.nearest, demand_text) or nil
end

-- Whoever misspells a resource does so in each function that he submits.
function Judged.keep_nearest(demand_text, nearest)
  if #demand_text + #nearest > LONGEST then
    return
  end
  if redis.call('HLEN', K.nearest) >= MOST_DEMANDS then
    redis.call('DEL', K.nearest)
  end
  redis.call('HSET', K.nearest, demand_text, nearest)
end
