-- The lobby: RQ's `deferred`, with the finer state beside it.
--
-- KEYS     rq_deferred
-- @include jobs/job  jobs/queues  texts/number  writes

function Lobby.put(job, state)
  -- Of a run it stands there already.
  local is_there = job.state == 'deferred'
  Job.set(job, 'status', 'deferred', 'origin', Call.lobby, 'state', state, 'since', Number.text(Call.now))
  if not is_there then
    Writes.add('ZADD', K.rq_deferred .. Call.lobby, math.floor(Call.wall / 1000), job.id)
  end
  -- Who joins those that wait already need not say so again.
  if state ~= 'waiting' then
    Queues.list(Call.lobby)
  end
end

function Lobby.leave(job_id)
  Writes.add('ZREM', K.rq_deferred .. Call.lobby, job_id)
end
