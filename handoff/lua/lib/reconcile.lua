-- Reservations against queue and children: what rq's tools deleted, canceled or emptied gives its room back.
--
-- KEYS     held  rq_queue  running
-- @include lib/wake
-- @include lib/lapse

-- `has` is the set of reservations that the agent runs, nil for a node without an agent.
-- -> the reservations that the agent is to stop
local function reconcile(node, has, lost_text, lobby, now)
  local queue = lobby .. '.' .. node.name
  local queued
  local stops = {}
  for _, id in ipairs(redis.call('HKEYS', K.held .. node.name)) do
    local job_id, number = string.match(id, '^([%w_-]+):(%d+)$')
    local job = job_id and read_job(job_id)
    local ours = job and job.h_placement == number
    local running = job_id and redis.call('ZSCORE', K.running .. node.name, id)
    if not job_id then
      running = nil
    elseif has and has[id] then
      if not ours or job.status ~= 'started' or job.h_cancel then
        stops[#stops + 1] = id
      end
    elseif running then
      -- It was started for an agent that does not run it.
      recover_one(node, id, lost_text, lobby, now)
    elseif not ours or (job.status ~= 'queued' and job.status ~= 'started') then
      give_back(node, id, 'gone', now)
    elseif job.status == 'queued' then
      if not queued then
        queued = {}
        for _, entry in ipairs(redis.call('LRANGE', K.rq_queue .. queue, 0, -1)) do
          queued[entry] = true
        end
      end
      if not queued[job_id] then
        give_back(node, id, 'gone', now)
        admit(job, lobby, now)
      end
    end
  end
  wake(node, lobby, now, 8)
  return stops
end
