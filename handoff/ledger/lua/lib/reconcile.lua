-- Reservations against queue and children: what rq's tools deleted, canceled or emptied gives its room back.
--
-- KEYS     rq_queue  running
-- @include lib/wake
-- @include lib/recover

-- Whether a job stands on a queue, for `count` jobs in turn. A long queue is not read whole for the sake of a few; for
-- many it must be, for each of them is searched from the front.
local LONG_QUEUE, FEW_JOBS = 1024, 32

local function queue_reader(queue, count)
  local key, entries = K.rq_queue .. queue, nil
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
local function holds_rightly(job)
  return job.status == 'queued' or job.status == 'started' or (job.status == 'deferred' and job.h_reserved ~= nil)
end

-- `ids` are reservations of the node; `has` is the set of those that the agent runs, nil for a node without an agent.
-- -> the reservations that the agent is to stop
local function reconcile(node, ids, has, lost_text, lobby, now)
  local queue = lobby .. '.' .. node.name
  local is_queued = queue_reader(queue, #ids)
  local stops = {}
  for _, id in ipairs(ids) do
    local job_id, number = string.match(id, '^([%w_-]+):(%d+)$')
    local job = job_id and read_job(job_id)
    local ours = job and job.h_placement == number
    local running = job_id and redis.call('ZSCORE', K.running .. node.name, id)
    if not job_id then
      running = nil
    elseif has and has[id] then
      if not ours or job.status ~= 'started' or job.h_cancel or job.h_evicted == number then
        stops[#stops + 1] = id
      end
    elseif running then
      -- It was started for an agent that does not run it.
      recover_one(node, id, lost_text, lobby, now)
    elseif not ours or not holds_rightly(job) then
      give_back(node, id, 'gone', now)
    elseif job.status == 'queued' then
      if not is_queued(job_id) then
        give_back(node, id, 'gone', now)
        admit(job, lobby, now)
      end
    end
  end
  wake(node, lobby, now, 8)
  return stops
end
