-- Jobs on queues from which nobody takes: rq's tools push onto the lobby, and onto queues of nodes that are gone; and
-- whoever emptied a node may be gone before its queue was.
--
-- KEYS     abandoned  past  rq_canceled  rq_failed  rq_finished  rq_queue  rq_queues  sweep
-- @include jobs/adopt  jobs/job  jobs/queues  nodes/node  nodes/recovery  texts/cursor  texts/number  writes

local SLICE = 16

-- -> whether it is empty now
local function adopt_queue(queue)
  for _ = 1, SLICE do
    local id = Queues.pop(queue)
    if not id then
      return true
    end
    local job = Job.read(id)
    if job and job.status == 'queued' then
      Adopt.job(job)
    end
  end
  return false
end

-- -> whether nothing is left to do there
local function look_at(key, name)
  local state, is_closing = Node.glance(name)
  if (state == 'up' and not is_closing) or (state == 'lost' and redis.call('ZSCORE', K.abandoned, name)) then
    return true
  end
  local node = Node.load(name)
  if not node then
    local is_empty = adopt_queue(Queues.of(name))
    if is_empty then
      redis.call('SREM', K.rq_queues, key)
    end
    return is_empty
  elseif node.state == 'lost' then
    return redis.call('ZSCORE', K.abandoned, name) ~= false or adopt_queue(Queues.of(name))
  elseif Node.is_closing(node) then
    return Recovery.hand_back(node, 'handed back', SLICE) < SLICE
  end
  return true
end

-- A page of all queues. -> whether there is more
function QueueSweep.go_on()
  local is_done = adopt_queue(Call.lobby)
  local cursor = Cursor.of_scan(redis.call('HGET', K.sweep, 'queues'))
  local scan = redis.call('SSCAN', K.rq_queues, cursor, 'COUNT', 64)
  for _, key in ipairs(scan[2]) do
    local name = Queues.node_of(string.sub(key, #K.rq_queue + 1))
    if name then
      is_done = look_at(key, name) and is_done
    end
  end
  if is_done then
    redis.call('HSET', K.sweep, 'queues', scan[1])
  end
  return not is_done
end

-- rq's requeue pushes onto the queue where a function ended, without telling `queues`, though the node may be gone.
function QueueSweep.look_at_past()
  local rank = Number.whole(redis.call('HGET', K.sweep, 'past')) or 0
  local name = redis.call('ZRANGE', K.past, rank, rank)[1]
  redis.call('HSET', K.sweep, 'past', name and rank + 1 or 0)
  if not name then
    return
  end
  local queue = Queues.of(name)
  local is_known = Node.load(name) ~= nil
  local is_empty = not is_known and adopt_queue(queue)
  if is_known or (is_empty and redis.call('EXISTS', Writes.settle(K.rq_finished .. queue),
    Writes.settle(K.rq_failed .. queue), Writes.settle(K.rq_canceled .. queue)) == 0) then
    redis.call('ZREM', K.past, name)
  end
end
