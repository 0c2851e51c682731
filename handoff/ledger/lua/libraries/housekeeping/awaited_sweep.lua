-- What functions wait for outside of runs, where no script tells of its end: jobs of rq's own at each look, and now and then
-- what rq's tools ended, deleted or brought back.
--
-- KEYS     awaited  dependents  watched
-- @include jobs/dependencies  jobs/job  jobs/queues  jobs/statuses  runs/leftovers  texts/number

local OFTEN_MS = 400

-- Some 3 us each, and some 20.
local OFTEN, SELDOM = 256, 16

-- Dependents of one that are looked at.
local FEW = 4

local function due(key, most)
  return redis.call('ZRANGEBYSCORE', key, '-inf', Call.now, 'LIMIT', 0, most)
end

local function look_again(key, id, after_ms)
  redis.call('ZADD', key, Number.text(Call.now + after_ms), id)
end

-- One of rq's own. What is gone has ended as it should, as RQ takes it: it may have had nothing to be kept.
local function watch(id)
  local status = Job.get(id, 'status') or 'finished'
  if Statuses.ENDED[status] then
    redis.call('ZREM', K.watched, id)
    look_again(K.awaited, id, Dependencies.SELDOM_MS)
    Leftovers.add('release', status, id)
  else
    look_again(K.watched, id, OFTEN_MS)
  end
end

-- Of some by chance that wait for it. -> whether one of them would go on
local function look_at_few(id, status)
  local is_met = false
  -- Of none some servers answer nil.
  for _, job_id in ipairs(redis.call('ZRANDMEMBER', K.dependents .. id, FEW) or {}) do
    local job = Job.read(job_id)
    if not job or job.status ~= 'deferred' or job.state ~= 'deferred' then
      Dependencies.take_off(id, job_id)
    else
      is_met = is_met or Dependencies.is_met(job, status)
    end
  end
  return is_met
end

local function look_at(id)
  local status, origin = Job.get(id, 'status', 'origin')
  if look_at_few(id, status) then
    Leftovers.add('release', status, id)
  end
  if redis.call('EXISTS', K.dependents .. id) == 0 then
    redis.call('ZREM', K.awaited, id)
  elseif status and not Statuses.ENDED[status] and not Queues.is_ours(origin) then
    redis.call('ZREM', K.awaited, id)
    look_again(K.watched, id, 0)
  else
    look_again(K.awaited, id, Dependencies.SELDOM_MS)
  end
end

function AwaitedSweep.go_on()
  if redis.call('EXISTS', K.awaited, K.watched) == 0 then
    return
  end
  for _, id in ipairs(due(K.watched, OFTEN)) do
    watch(id)
  end
  for _, id in ipairs(due(K.awaited, SELDOM)) do
    look_at(id)
  end
end
