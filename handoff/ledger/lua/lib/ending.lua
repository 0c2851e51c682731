-- The end of a function, written as RQ would: status, result stream, registry, expiry.
--
-- KEYS     rq_job  rq_results  rq_finished  rq_failed  rq_canceled  rq_wip  rq_execution  rq_executions  running
--          rq_worker  prune  gone
-- @include lib/clock
-- @include lib/job
-- @include lib/timers
-- @include lib/run

-- rq.results.Result.Type
local RESULT_TYPE = {finished = 1, failed = 2, stopped = 3, canceled = 3}

-- Seconds that a job is kept after its end, -1 = for ever. Jobs that came by rq's own hands may name none, or more than
-- Redis takes: then RQ's defaults hold.
local RESULT_TTL, FAILURE_TTL, LONGEST_TTL = 500, 31536000, 10 ^ 10

local function lifetime_of(job, status)
  local ttl = tonumber(job.failure_ttl or nil) or FAILURE_TTL
  if status == 'finished' then
    ttl = tonumber(job.result_ttl or nil) or RESULT_TTL
  end
  return ttl > LONGEST_TTL and -1 or ttl
end

-- Nothing but our own look removes expired entries from a registry whose queue nobody asks about any more.
local pruned = {}

local function expire_in_registry(key, id, expires)
  redis.call('ZADD', key, expires, id)
  -- Of a run all expire at once.
  if pruned[key] ~= expires then
    pruned[key] = expires
    redis.call('ZADD', K.prune, 'LT', (expires + 1) * 1000, key)
  end
end

local function register_end(key, id, ttl, now)
  if ttl < 0 then
    redis.call('ZADD', key, '+inf', id)
  else
    expire_in_registry(key, id, math.floor(now / 1000) + ttl)
  end
end

-- A function of which nothing is kept may be gone before the reply to its submit or cancel arrives. For as long as
-- anybody may ask again, a word is left of who submitted and who canceled it, and where it was placed.
local WORD_MS = 600000

local function leave_word(job)
  redis.call('SET', K.gone .. job.id, table.concat({job.h_token or '', job.h_cancel or '', job.h_node or '',
    job.h_devices or ''}, '|'), 'PX', WORD_MS)
end

local function read_word(id)
  return string.match(redis.call('GET', K.gone .. id) or '', '^([^|]*)|([^|]*)|([^|]*)|(.*)$')
end

-- Every end appends to the result stream, so that whoever waits on it wakes. `body` is {'return_value', text},
-- {'exc_string', text} or {}. What belongs to a run is kept until that has ended. `culprit`: see lib/run.
local function end_job(job, status, body, now, culprit)
  local queue = job.origin
  if option_of(job, 'wait') then
    drop_timer('expire|' .. job.id)
  end
  local ttl = job.h_run and leave_run(job, status, culprit, now) and -1 or lifetime_of(job, status)
  local key, results = K.rq_job .. job.id, K.rq_results .. job.id
  if ttl == 0 then
    redis.call('DEL', key, results)
    leave_word(job)
    return
  end
  set_job(job, 'status', status, 'ended_at', iso(now))
  redis.call('XADD', results, 'MAXLEN', 10, '*', 'type', RESULT_TYPE[status], 'worker_name', job.h_node and queue or '',
    unpack(body))
  if ttl > 0 then
    redis.call('EXPIRE', key, ttl)
    redis.call('EXPIRE', results, ttl)
  end
  local registry = K.rq_failed
  if status == 'finished' then
    registry = K.rq_finished
  elseif status == 'canceled' then
    registry = K.rq_canceled
  end
  register_end(registry .. queue, job.id, ttl, now)
end

local function stop_running(node_name, queue, id)
  redis.call('ZREM', K.running .. node_name, id)
  redis.call('ZREM', K.rq_wip .. queue, id)
  redis.call('SREM', K.rq_worker .. queue .. ':executions', id)
  local job_id, number = string.match(id, '^(.*):(%d+)$')
  redis.call('ZREM', K.rq_executions .. job_id, number)
  redis.call('DEL', K.rq_execution .. id)
end
