-- Reservations against queue and children: what rq's tools deleted, canceled or emptied gives its room back.
--
-- @include jobs/admit  jobs/executions  jobs/job  jobs/queues  nodes/recovery  nodes/reservations  texts/reservation
-- @include waiting/wake

-- Whether a job stands on a queue, for `count` jobs in turn. A long queue is not read whole for the sake of a few; for
-- many it must be, for each of them is searched from the front.
local LONG_QUEUE, FEW_JOBS = 1024, 32

local function queue_reader(queue, count)
  local key, entries = Queues.settle(queue), nil
  return function(job_id)
    if not entries then
      if count < FEW_JOBS and redis.call('LLEN', key) > LONG_QUEUE then
        return redis.call('LPOS', key, job_id)
      end
      entries = {}
      for _, entry in ipairs(redis.call('LRANGE', key, 0, -1)) do
        entries[entry] = true
      end
    end
    return entries[job_id]
  end
end

-- Whether a function in that state has a reservation; deferred ones do in a run that reserves whole.
local function reserves_rightly(job)
  return job.status == 'queued' or job.status == 'started' or (job.status == 'deferred' and job.reserved ~= nil)
end

-- `ids` are reservations of the node; `has` is the set of those that the agent runs, nil for a node without an agent. It says
-- nothing of what was started for it under a call later than `op`, -1 where that does not matter.
-- -> the reservations that the agent is to stop
function Reconcile.node(node, ids, has, op)
  local is_queued = queue_reader(Queues.of(node.name), #ids)
  local stops = {}

  local function look_at(id, job_id, placement)
    local job = Job.read(job_id)
    local is_its_last = job and job.placement == placement
    if has and has[id] then
      -- Redis was rolled back to before it was started: its agent is going to take it once more.
      local is_its_own = is_its_last and (job.status == 'started' or (job.status == 'queued' and is_queued(job_id)))
      if not is_its_own or job.cancel or job.evicted == placement then
        stops[#stops + 1] = id
      end
    elseif Executions.has(node.name, id) then
      -- It was started for an agent that does not run it.
      if not has or not Executions.is_after(node.name, id, op) then
        Recovery.one(node, id, 'unknown')
      end
    elseif not is_its_last or not reserves_rightly(job) then
      Reservations.give_back(node, id, 'gone')
    elseif job.status == 'queued' and not is_queued(job_id) then
      Reservations.give_back(node, id, 'gone')
      Admit.job(job)
    end
  end

  for _, id in ipairs(ids) do
    local job_id, placement = Reservation.parts(id)
    if job_id then
      look_at(id, job_id, placement)
    end
  end
  Wake.node(node, 8)
  return stops
end
