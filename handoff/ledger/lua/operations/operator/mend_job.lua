-- Put a function where it says that it stands, and take it off wherever else it was seen.
--
-- What stands nowhere waits again, or is placed; what runs and has no reservation has used an attempt. Looked at anew, so
-- where nothing is wrong nothing changes.
--
-- KEYS     delayed  rq_deferred  rq_wip  rq_worker  running
-- ARGV     job_id  str
--          seen    list  of each: `held`, `running`, `queue`, `wip`, `executions`, `line` and `dependents`; node, shape or
--                        dependency; entry
-- RETURNS  {'mended'}
-- @include settle  jobs/admit  jobs/bent  jobs/dependencies  jobs/executions  jobs/failing  jobs/job  jobs/queues
-- @include jobs/statuses  nodes/dirty  nodes/node  nodes/reservations  runs/members  runs/run  texts/number  texts/run_id
-- @include texts/shape  waiting/lines  waiting/waiting

local job = Job.read(job_id)
local own = job and Job.reservation(job)

local function is_reserved_rightly(name, id)
  return job and job.node == name and own == id
    and (job.status == 'queued' or job.status == 'started' or (job.status == 'deferred' and job.reserved ~= nil))
end

local function depends_rightly(id)
  for _, each in ipairs(job and job.status == 'deferred' and job.state == 'deferred' and Dependencies.of(job) or {}) do
    if each == id then
      return true
    end
  end
  return false
end

local function take_off(place, of, entry)
  if place == 'dependents' then
    if not depends_rightly(of) then
      Dependencies.take_off(of, entry)
    end
    return
  end
  local node = place ~= 'line' and Node.load(of)
  if place == 'line' then
    if Shape.is_sound(of) then
      Lines.leave(job_id, Shape.read(of))
    end
  elseif place == 'queue' then
    Queues.remove(Queues.of(of), job_id)
  elseif not is_reserved_rightly(of, entry) or job.status ~= 'started' then
    local queue = Queues.of(of)
    redis.call('ZREM', K.running .. of, entry)
    redis.call('ZREM', K.rq_wip .. queue, entry)
    redis.call('SREM', K.rq_worker .. queue .. ':executions', entry)
  end
  if node and not is_reserved_rightly(of, entry) and Reservations.give_back(node, entry, 'mended') then
    Dirty.mark(of)
  end
end

for i = seen_first, #ARGV, 3 do
  take_off(ARGV[i], ARGV[i + 1], ARGV[i + 2])
end

local function forget()
  Waiting.forget(job_id)
  redis.call('ZREM', K.delayed, job_id)
  local run = RunId.parts(job_id)
  if run and Members.has(run, RunId.number(job_id)) then
    Run.leave({id = job_id, run = run}, 'canceled')
  end
end

local function leave_lobby()
  redis.call('ZREM', K.delayed, job_id)
  redis.call('ZREM', K.rq_deferred .. Call.lobby, job_id)
  Waiting.stop(job)
end

local function mend_queued()
  local node = job.node and Node.load(job.node)
  leave_lobby()
  Queues.remove(Queues.of(job.node or ''), job_id)
  if node and Reservations.has(node.name, own) and not Executions.has(node.name, own) then
    Queues.push(Queues.of(node.name), job_id)
  else
    Admit.job(job)
  end
end

local function mend_started()
  local node = job.node and Node.load(job.node)
  leave_lobby()
  Queues.remove(Queues.of(job.node or ''), job_id)
  if node and Reservations.has(node.name, own) then
    -- Its agent says whether it runs.
    redis.call('ZADD', K.running .. node.name, 'NX', 0, own)
  else
    if job.node then
      Executions.finish(job.node, Queues.of(job.node), {own})
    end
    Failing.lost(job, job.node or '', 'unknown')
  end
end

local function mend_deferred()
  local due = redis.call('ZSCORE', K.delayed, job_id)
  local run, number = job.run, job.run and RunId.number(job_id)
  local state = job.state
  if state == 'deferred' and run and Members.is_deferred(run, number) then
    Waiting.stop(job)
    redis.call('ZREM', K.delayed, job_id)
    redis.call('ZADD', K.rq_deferred .. Call.lobby, 'NX', math.floor(Call.wall / 1000), job_id)
    return
  end
  leave_lobby()
  if state == 'delayed' then
    Admit.later(job, due or Number.text(Call.now))
    return
  end
  Job.unset(job, 'state')
  if state ~= 'deferred' or run or not Dependencies.defer(job, Dependencies.of(job)) then
    Admit.job(job)
  end
end

if not job then
  forget()
elseif not job.is_foreign and not Bent.ends(job) then
  if Statuses.ENDED[job.status] then
    leave_lobby()
    if job.run then
      Run.leave(job, job.status)
    end
  elseif job.status == 'queued' then
    mend_queued()
  elseif job.status == 'started' then
    mend_started()
  elseif job.status == 'deferred' then
    mend_deferred()
  end
end
Settle.go_on(16)
return {'mended'}
