-- Functions that depend on others without being in a run with them: each is deferred until all of these have ended as it asks.
--
-- A dependency has its dependents beside it, by rank. Whoever takes one off there counts it down, so it is counted once.
-- RQ's own set of dependents has none of them: its workers, and who cancels a job, would push them onto a queue with nothing
-- reserved. What ends in a script says in its hash that it has dependents, so an end without any costs no command.
--
-- KEYS     awaited  dependents  rq_job  watched
-- @include jobs/job  jobs/lobby  jobs/queues  jobs/rq_dependencies  jobs/statuses  texts/list  texts/number

-- Those that end in scripts, or have ended and are not met, are looked at for what rq's tools do: now and then.
Dependencies.SELDOM_MS = 10000

local MOST_TOLD = 3

-- Whether a job that waits for such an end goes on.
function Dependencies.is_met(job, status)
  return status == 'finished' or (status == 'failed' and Job.option(job, 'depends') == '1')
end

-- Of one that is submitted, by its fields. -> the first of which there is no job, nil if there is none
function Dependencies.missing(ids)
  for i = 1, #ids do
    if not Job.read(ids[i]) then
      return ids[i]
    end
  end
end

-- Among the fields of a hash, {name, value, ...}.
function Dependencies.ids_in(fields)
  return List.read(Job.field_in(fields, 'depends') or '')
end

function Dependencies.of(job)
  return List.read(Job.get(job.id, 'depends') or '')
end

-- A job of rq's own that has not ended is to be looked at by every tick.
local function await(other)
  local is_over = Statuses.ENDED[other.status]
  if Queues.is_ours(other.origin) and not other.awaited then
    Job.set(other, 'awaited', '1')
  end
  if is_over or Queues.is_ours(other.origin) then
    redis.call('ZADD', K.awaited, 'NX', Number.text(Call.now + Dependencies.SELDOM_MS), other.id)
  else
    redis.call('ZADD', K.watched, 'NX', Number.text(Call.now), other.id)
  end
end

-- Asked again of one whose place was lost, what is gone counts where it did. -> whether it has to wait
function Dependencies.defer(job, ids)
  local to_come = 0
  for i = 1, #ids do
    local key, other = K.dependents .. ids[i], Job.read(ids[i])
    if other and not Dependencies.is_met(job, other.status) then
      redis.call('ZADD', key, job.rank, job.id)
      await(other)
      to_come = to_come + 1
    elseif not other and redis.call('ZSCORE', key, job.id) then
      to_come = to_come + 1
    end
  end
  if ids[1] then
    RqDependencies.add(job.id, ids)
  end
  if to_come == 0 then
    return false
  end
  Job.set(job, 'to_come', Number.text(to_come))
  Lobby.put(job, 'deferred')
  return true
end

-- It is taken off one of them. -> whether it stood there
function Dependencies.take_off(id, job_id)
  local key = K.dependents .. id
  local was_there = redis.call('ZREM', key, job_id) == 1
  if was_there and redis.call('EXISTS', key) == 0 then
    redis.call('ZREM', K.awaited, id)
    redis.call('ZREM', K.watched, id)
  end
  return was_there
end

-- It waits for none of them any more, whatever they come to.
function Dependencies.leave(job)
  for _, id in ipairs(Dependencies.of(job)) do
    Dependencies.take_off(id, job.id)
  end
end

-- One of them has ended as it asks. -> whether it was the last; nil where the count was written over
function Dependencies.count_down(job)
  Job.flush(job.id)
  local left = redis.pcall('HINCRBY', K.rq_job .. job.id, F.to_come, -1)
  if type(left) == 'table' then
    return nil
  end
  return left <= 0
end

-- RQ's set of what it depends on lives as long as the job; `ttl` in seconds, below 0 = for ever.
function Dependencies.expire(job, ttl)
  if ttl >= 0 and Job.option(job, 'depends') then
    redis.call('EXPIRE', RqDependencies.key(job.id), ttl)
  end
end

-- What it waits for. -> how many, and of some {id, function, status, state, node}
function Dependencies.told(job)
  local count, some = 0, {}
  for _, id in ipairs(Dependencies.of(job)) do
    if redis.call('ZSCORE', K.dependents .. id, job.id) then
      count = count + 1
      if count <= MOST_TOLD then
        local name, status, state, node = Job.get(id, 'function', 'status', 'state', 'node')
        some[count] = {id, name or '', status or '', state or '', node or ''}
      end
    end
  end
  return count, some
end
