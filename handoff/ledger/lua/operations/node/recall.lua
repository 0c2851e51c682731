-- Hear from an agent what has ended or runs on its node: Redis was rolled back, and does not know it any more.
--
-- What stands in the books as not yet started, or as started there, ends as it did; its on_failure was run. What runs
-- there and stands elsewhere, or waits, has lost this attempt: it is not started beside itself. What runs elsewhere by now
-- is left. What could not be started is placed anew. Asked again it finds all else ended, and leaves it.
--
-- KEYS     node
-- ARGV     name     str   the node
--          epoch    str   of this agent's registration
--          op       int   number of the agent's last `finish`, 0 = more is to come
--          ended    list  the first to end in front: token and created_at of its job, the number of the attempt, and
--                         texts/result, of the kind `running` too
-- RETURNS  {'recalled', count}  of so many it was not known
--          {'stale'}            the node has another epoch: nothing of it is this agent's
-- @include settle  jobs/cancel  jobs/executions  jobs/failing  jobs/job  jobs/outcome  jobs/queues  nodes/dirty  nodes/lapse
-- @include nodes/reservations  runs/consequences  runs/leftovers  texts/number  texts/reservation  texts/result  time/events
-- @include arguments

local VALUES = 3 + Result.VALUES

Arguments.check('ended', (#ARGV - ended_first + 1) % VALUES == 0)
for i = ended_first, #ARGV, VALUES do
  Arguments.check('ended', Number.whole(ARGV[i + 2]) and Result.is_sound(ARGV, i + 3))
end

local node = Lapse.own_node(name, epoch)
if not node then
  return {'stale'}
end

-- Take the function off wherever it stands, if by the books it has not had that attempt, or is having it. -> whether so
local function take_off(job, ended, attempt, placement)
  if job.status == 'started' then
    if ended.kind == 'running' or job.node ~= name or job.placement ~= placement or not Reservations.has(name, ended.id) then
      return false
    end
    Executions.finish(name, Queues.of(name), {ended.id})
    Reservations.give_back(node, ended.id, ended.kind)
    Dirty.mark(name)
    return true
  end
  if ended.kind == 'running' and job.status == 'queued' and job.node == name and job.placement == placement then
    -- Its agent takes it, and does not start it once more.
    return false
  end
  local is_ready = job.status == 'queued' or (job.status == 'deferred' and job.state ~= 'deferred')
  if not is_ready or tonumber(job.attempts or 0) >= attempt then
    return false
  end
  local had = Cancel.take_off(job, 'recalled')
  if had then
    Dirty.mark(had.name)
  end
  -- It may never have been placed, by these books.
  Job.set(job, 'attempts', Number.text(attempt), 'node', name)
  return true
end

local count = 0
for i = ended_first, #ARGV, VALUES do
  local token, created_at, attempt, ended = ARGV[i], ARGV[i + 1], tonumber(ARGV[i + 2]), Result.read(ARGV, i + 3)
  local job_id, placement = Reservation.parts(ended.id)
  local job = Job.read(job_id)
  local is_same = job and (job.token or '') == token and (Job.get(job_id, 'created_at') or '') == created_at
  if is_same and take_off(job, ended, attempt, placement) then
    count = count + 1
    Events.emit('recalled', 'job', job_id, 'attempt', Number.text(attempt), 'outcome', ended.kind)
    if ended.kind == 'running' then
      Failing.lost(job, name, 'rolled-back')
    else
      Outcome.store(job, ended, name, placement)
    end
    -- Those behind it in its run may have ended too, and are to be found ready.
    if Leftovers.any() then
      Consequences.work_off(32)
    end
  end
end
if op > tonumber(node.op or 0) then
  redis.call('HSET', K.node .. name, 'op', Number.text(op), 'op_reply', '')
end
Settle.go_on(16)
return {'recalled', count}
