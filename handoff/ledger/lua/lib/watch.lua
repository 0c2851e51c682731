-- Runs of which nobody else would tell: those that become due by the clock, and what rq's tools did behind our back.
--
-- KEYS     run  runs  run_active  sweep
-- @lazy
-- @include lib/run
-- @include lib/job

local PAGE = 16
-- Runs that have ended: a look each.
local MOST_PASSED = 256
local ENDED = {finished = true, failed = true, stopped = true, canceled = true}

local function stop_if_running(run, reason, now)
  if redis.call('HGET', K.run .. run, 'state') == 'running' then
    stop_run(run, reason, now)
  end
end

local function drop_if_loading(run)
  if redis.call('HGET', K.run .. run, 'state') == 'loading' then
    drop_run(run)
  end
end

-- Functions of runs that rq's tools ended or deleted, behind our back; and runs whose records have expired.
local function sweep_runs(now)
  local rank = tonumber(redis.call('HGET', K.sweep, 'runs') or 0)
  local run
  for _, each in ipairs(redis.call('ZRANGE', K.runs, rank, rank + MOST_PASSED - 1)) do
    local state = redis.call('HGET', K.run .. each, 'state')
    if state == 'running' or state == 'stopping' then
      run = each
      break
    elseif state then
      rank = rank + 1
    else
      redis.call('ZREM', K.runs, each)
    end
  end
  if not run then
    local has_more = redis.call('ZCARD', K.runs) > rank
    redis.call('HSET', K.sweep, 'runs', has_more and rank or 0)
    return
  end
  -- Of a set that Redis keeps packed a page is all of it, up to 512: it is gone through in slices.
  local cursor, from = string.match(redis.call('HGET', K.sweep, 'active') or '0|0', '^(%d+)|(%d+)$')
  local page = redis.call('SSCAN', K.run_active .. run, cursor, 'COUNT', PAGE)
  local upto = tonumber(from) + PAGE
  for i = tonumber(from) + 1, math.min(upto, #page[2]) do
    local id = run .. '-' .. page[2][i]
    local job = read_job(id)
    if not job then
      leave_run({id = id, h_run = run}, 'canceled', nil, now)
    elseif ENDED[job.status] then
      leave_run(job, job.status, nil, now)
    end
  end
  local next_cursor = upto < #page[2] and cursor .. '|' .. upto or page[1] .. '|0'
  redis.call('HSET', K.sweep, 'active', next_cursor)
  if next_cursor == '0|0' then
    redis.call('HSET', K.sweep, 'runs', rank + 1)
  end
end
