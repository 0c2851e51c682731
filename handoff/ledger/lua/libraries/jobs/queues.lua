-- RQ's queues: the lobby `<namespace>`, and of each node `<namespace>.<node>`; telling RQ of them, and agents that there is
-- work for them.
--
-- An agent takes all that its queue holds, so only the first entry needs a hint; and none where the same script takes it.
-- A lost one costs half a second. What a script puts onto a queue is put there at its end, unless it takes it itself.
--
-- KEYS     rq_queue  rq_queues
-- STATE    coming  {}  queue -> ids of jobs that are to be put onto it, behind all others
--          listed  {}  queues that RQ was told of
-- @finally push_all
-- @include jobs/commands  rare

-- The queue of a node; also the name of its agent as RQ's worker.
function Queues.of(node_name)
  return Call.lobby .. '.' .. node_name
end

-- Whose queue it is; nil of any other.
function Queues.node_of(queue)
  local prefix = Queues.of('')
  return string.sub(queue, 1, #prefix) == prefix and string.sub(queue, #prefix + 1) or nil
end

-- Jobs of other queues are not ours, though RQ knows no namespaces.
function Queues.is_ours(queue)
  return queue == Call.lobby or Queues.node_of(queue or '') ~= nil
end

-- RQ lists a queue among all; said once a script.
function Queues.list(queue)
  if not Call.listed[queue] then
    Call.listed[queue] = true
    redis.call('SADD', K.rq_queues, K.rq_queue .. queue)
  end
end

function Queues.push(queue, job_id)
  local coming = Call.coming[queue] or {}
  coming[#coming + 1] = job_id
  Call.coming[queue] = coming
end

-- Put onto a queue what is to come: for those who look at it, or take from it. -> its key
function Queues.settle(queue)
  local key, coming = K.rq_queue .. queue, Call.coming[queue]
  Call.coming[queue] = nil
  -- Lua unpacks at most 8,000 values.
  for first = 1, coming and #coming or 0, 1000 do
    local last = math.min(first + 999, #coming)
    if redis.call('RPUSH', Rare.write(key), unpack(coming, first, last)) == last - first + 1 then
      Queues.list(queue)
      Commands.work(queue)
    end
  end
  return key
end

-- Its key in Redis.
function Queues.key(queue)
  return K.rq_queue .. queue
end

-- The first of a queue, nil where it is empty.
function Queues.pop(queue)
  local key = K.rq_queue .. queue
  local job_id = not Rare.is_absent(key) and redis.call('LPOP', key)
  if not job_id then
    Rare.note_absent(key)
  end
  local coming = Call.coming[queue]
  if not job_id and coming then
    job_id = table.remove(coming, 1)
    Call.coming[queue] = #coming > 0 and coming or nil
  end
  return job_id or nil
end

-- Take a job that this script has put onto an empty queue. -> false where others stand there
function Queues.take_only(queue, job_id)
  local coming = Call.coming[queue]
  if not coming or #coming > 1 or coming[1] ~= job_id or Rare.exists(K.rq_queue .. queue) then
    return false
  end
  Call.coming[queue] = nil
  return true
end

-- Take a job off, wherever it stands there.
function Queues.remove(queue, job_id)
  redis.call('LREM', Queues.settle(queue), 0, job_id)
end

function Queues.push_all()
  for queue in pairs(Call.coming) do
    Queues.settle(queue)
  end
end
