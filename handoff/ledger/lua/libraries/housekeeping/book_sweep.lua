-- Books that nobody else would look at, a little of each at a time: what rq's tools did behind our back, and what is over.
--
-- KEYS     abandoned  holds  lost  nodes  prune  reservations  shapes  sweep  waiting
-- @include jobs/job  jobs/reconcile  nodes/holds  nodes/node  nodes/removal  texts/shape  waiting/waiting

local FORGET_LOST_MS = 3600000
local SLICE = 16

-- Whoever held a node and is gone by rq's own hands frees it.
function BookSweep.holds()
  for _, name in ipairs(redis.call('ZRANGE', K.holds, 0, -1)) do
    local node = Node.load(name)
    local hold = Holds.on(node)
    local job = Job.read(hold.job)
    if not job or not Job.is_waiting(job) or tonumber(job.rank) ~= hold.rank then
      Holds.lift(node)
    end
  end
end

-- Entries of RQ's registries that have expired.
function BookSweep.registries()
  for _, key in ipairs(redis.call('ZRANGEBYSCORE', K.prune, '-inf', Call.wall, 'LIMIT', 0, 4)) do
    redis.call('ZREMRANGEBYSCORE', key, 0, math.floor(Call.wall / 1000))
    local first = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')[2]
    if first and tonumber(first) < math.huge then
      redis.call('ZADD', K.prune, (tonumber(first) + 1) * 1000, key)
    else
      redis.call('ZREM', K.prune, key)
    end
  end
end

-- Nodes that have been lost for long.
function BookSweep.lost_nodes()
  for _, name in ipairs(redis.call('ZRANGEBYSCORE', K.lost, '-inf', Call.now - FORGET_LOST_MS, 'LIMIT', 0, 4)) do
    if not redis.call('ZSCORE', K.abandoned, name) then
      Removal.remove(Node.load(name))
    end
  end
end

-- Nobody but the tick looks after what is reserved on a node without an agent. -> whether all of it was looked at
local function look_at_static(name)
  local node = Node.load(name)
  if not node or node.kind ~= 'static' or node.state ~= 'up' then
    return true
  end
  local cursor = redis.call('HGET', K.sweep, 'held') or '0'
  local page = redis.call('HSCAN', K.reservations .. name, cursor, 'COUNT', SLICE)
  redis.call('HSET', K.sweep, 'held', page[1])
  local ids = {}
  for i = 1, #page[2], 2 do
    ids[#ids + 1] = page[2][i]
  end
  Reconcile.node(node, ids, nil)
  return page[1] == '0'
end

function BookSweep.static_nodes()
  local rank = tonumber(redis.call('HGET', K.sweep, 'nodes') or 0)
  local name = redis.call('ZRANGE', K.nodes, rank, rank)[1]
  if not name then
    redis.call('HSET', K.sweep, 'nodes', 0)
  elseif look_at_static(name) then
    redis.call('HSET', K.sweep, 'nodes', rank + 1)
  end
end

-- Heads that rq's tools canceled or deleted, also where nothing will ever start them.
function BookSweep.heads()
  local first = redis.call('ZRANGE', K.waiting, 0, 0)[1]
  local job = first and Job.read(first)
  if first and not job then
    Waiting.forget(first)
  elseif first and not Job.is_waiting(job) then
    redis.call('ZREM', K.waiting, first)
  end
  local rank = tonumber(redis.call('HGET', K.sweep, 'shapes') or 0)
  local shape = redis.call('ZRANGE', K.shapes, rank, rank)[1]
  redis.call('HSET', K.sweep, 'shapes', shape and rank + 1 or 0)
  if shape then
    Waiting.live_head(Shape.read(shape))
  end
end
