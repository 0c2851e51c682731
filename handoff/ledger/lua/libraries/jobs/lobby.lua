-- The lobby: RQ's `deferred`, with the finer state beside it.
--
-- KEYS     rq_deferred
-- STATE    leaving  {}  ids of those that are to be taken off
-- @finally save
-- @include jobs/job  jobs/queues  texts/number

function Lobby.put(job, state)
  -- Of a run it stands there already.
  local is_there = job.state == 'deferred' and not Call.leaving[job.id]
  Call.leaving[job.id] = nil
  Job.set(job, 'status', 'deferred', 'origin', Call.lobby, 'state', state, 'since', Number.text(Call.now))
  if not is_there then
    redis.call('ZADD', K.rq_deferred .. Call.lobby, math.floor(Call.wall / 1000), job.id)
  end
  -- Who joins those that wait already need not say so again.
  if state ~= 'waiting' then
    Queues.list(Call.lobby)
  end
end

-- Take it off, at the end of the script, with all others.
function Lobby.leave(job_id)
  Call.leaving[job_id] = true
end

function Lobby.save()
  local ids = {}
  for id in pairs(Call.leaving) do
    ids[#ids + 1] = id
  end
  Call.leaving = {}
  -- Lua unpacks at most 8,000 values.
  for first = 1, #ids, 1000 do
    redis.call('ZREM', K.rq_deferred .. Call.lobby, unpack(ids, first, math.min(first + 999, #ids)))
  end
end
