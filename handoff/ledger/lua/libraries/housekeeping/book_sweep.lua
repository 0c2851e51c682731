-- Books that nobody else would look at, a little of each at a time: what rq's tools did behind our back, and what is over.
--
-- KEYS     abandoned  delayed  holds  lost  nodes  prune  shapes  sweep  waiting
-- @include jobs/bent  jobs/job  jobs/lobby  jobs/reconcile  jobs/unique  nodes/holds  nodes/lapse  nodes/node
-- @include nodes/removal  nodes/reservations
-- @include texts/cursor  texts/number  texts/shape  waiting/firsts  waiting/waiting  writes

local FORGET_LOST_MS = 3600000
local SLICE = 16

-- Some 3 us each.
local PAGE = 64

-- Whoever held a node and is gone by rq's own hands frees it.
function BookSweep.holds()
  for _, name in ipairs(redis.call('ZRANGE', K.holds, 0, -1)) do
    local node = Node.load(name)
    local hold = node and Holds.on(node)
    local job = hold and Job.read(hold.job)
    if not hold then
      Holds.lift_from(name)
    elseif not job or not Job.is_waiting(job) or tonumber(job.rank) ~= hold.rank then
      Holds.lift(node)
    end
  end
end

-- Entries of RQ's registries that have expired.
function BookSweep.registries()
  for _, key in ipairs(redis.call('ZRANGEBYSCORE', K.prune, '-inf', Call.wall, 'LIMIT', 0, 4)) do
    redis.call('ZREMRANGEBYSCORE', Writes.settle(key), 0, math.floor(Call.wall / 1000))
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
      local node = Node.load(name)
      if node then
        Removal.remove(node)
      else
        redis.call('ZREM', K.lost, name)
      end
    end
  end
end

-- Nobody but the tick looks after what is reserved on a node without an agent. -> whether all of it was looked at
local function look_at_static(name)
  local node = Node.load(name)
  if node and node.bent then
    Lapse.abandon(node, 'lost')
  end
  if not node or node.kind ~= 'static' or node.state ~= 'up' then
    return true
  end
  if not Reservations.are_any(name) then
    Reservations.recount(node)
  end
  local doubtful, following = Reconcile.page(node, redis.call('HGET', K.sweep, 'held') or Cursor.START, SLICE)
  redis.call('HSET', K.sweep, 'held', following or Cursor.START)
  Reconcile.without(node, doubtful, math.huge)
  return following == nil
end

function BookSweep.static_nodes()
  local rank = Number.whole(redis.call('HGET', K.sweep, 'nodes')) or 0
  local name = redis.call('ZRANGE', K.nodes, rank, rank)[1]
  if not name then
    redis.call('HSET', K.sweep, 'nodes', 0)
  elseif look_at_static(name) then
    redis.call('HSET', K.sweep, 'nodes', rank + 1)
  end
end

-- A page of a sorted set; the next call goes on behind it. `drop` takes off an entry that has no place there, and says so.
-- -> whether any was taken off
local function sweep_page(key, walk, drop)
  local from = Number.whole(redis.call('HGET', K.sweep, walk)) or 0
  local page, kept = redis.call('ZRANGE', Writes.settle(key), from, from + PAGE - 1), 0
  for _, id in ipairs(page) do
    kept = kept + (drop(id, Job.read(id)) and 0 or 1)
  end
  redis.call('HSET', K.sweep, walk, #page == PAGE and from + kept or 0)
  return kept < #page
end

local function drop_waiting(id, job)
  if not job then
    Waiting.forget(id)
  elseif Bent.ends(job) or not Job.is_waiting(job) then
    Firsts.take_off(K.waiting, id)
  else
    return false
  end
  return true
end

local function drop_delayed(id, job)
  if job and not Bent.ends(job) and job.status == 'deferred' and job.state == 'delayed' then
    return false
  end
  redis.call('ZREM', K.delayed, id)
  if not job then
    Lobby.leave(id)
  end
  return true
end

-- Of one line after another a page at a time. -> whether any entry was dropped
local function sweep_lines()
  local rank, from = unpack(redis.call('HMGET', K.sweep, 'shapes', 'line'))
  rank, from = Number.whole(rank) or 0, Number.whole(from) or 0
  local shape = redis.call('ZRANGE', K.shapes, rank, rank)[1]
  local looked, kept = 0, 0
  if shape then
    looked, kept = Waiting.live_page(Shape.read(shape), from, PAGE)
  end
  if looked == PAGE then
    redis.call('HSET', K.sweep, 'line', from + kept)
  else
    redis.call('HSET', K.sweep, 'shapes', shape and rank + 1 or 0, 'line', 0)
  end
  return kept < looked
end

-- Keys of functions that rq's tools canceled or deleted.
function BookSweep.unique_keys()
  Unique.look_around(SLICE)
end

-- What rq's tools canceled or deleted while it waited or was delayed: whoever counts would count it. Where some is found
-- there is more. -> whether any was
function BookSweep.waiting()
  local found = sweep_page(K.waiting, 'waiting', drop_waiting)
  found = sweep_page(K.delayed, 'delayed', drop_delayed) or found
  return sweep_lines() or found
end
