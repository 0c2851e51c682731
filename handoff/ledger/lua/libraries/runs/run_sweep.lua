-- Runs of which nobody else would tell: those that become due by the clock, and what rq's tools did behind our back.
--
-- KEYS     leftovers  run_active  runs  sweep
-- @include jobs/cancel  jobs/statuses  runs/leftovers  runs/members  runs/run  texts/cursor  texts/number

local PAGE = 16

-- Runs that have ended: a look each.
local MOST_PASSED = 256

function RunSweep.stop_if_running(run, reason)
  if Run.state(run) == 'running' then
    Run.stop(run, reason)
  end
end

function RunSweep.drop_if_loading(run)
  if Run.state(run) == 'loading' then
    Run.drop(run)
  end
end

-- Of a run whose record is gone before its functions have ended.
local function cancel_some(run)
  for _, number in ipairs(Members.some(run, PAGE)) do
    local job, is_there = Members.job(run, number)
    if not is_there or not Cancel.job(job, 'run', run) then
      Run.leave(job, 'canceled', run)
    end
  end
end

-- The next run that has not ended, of those from `rank` on; those whose records have expired are taken off. -> the run or
-- nil, and its rank
local function next_running(rank)
  for _, run in ipairs(redis.call('ZRANGE', K.runs, rank, rank + MOST_PASSED - 1)) do
    local state = Run.state(run)
    if state == 'running' or state == 'stopping' then
      return run, rank
    elseif state then
      rank = rank + 1
    elseif Members.is_empty(run) then
      redis.call('ZREM', K.runs, run)
    else
      cancel_some(run)
      return nil, rank
    end
  end
  return nil, rank
end

local function look_at(run, number)
  local job, is_there = Members.job(run, number)
  if not is_there then
    Run.leave(job, 'canceled')
  elseif Statuses.ENDED[job.status] then
    Run.leave(job, job.status)
  end
end

-- Functions of runs that rq's tools ended or deleted, a page of one run at a time.
function RunSweep.go_on()
  local run, rank = next_running(Number.whole(redis.call('HGET', K.sweep, 'runs')) or 0)
  if not run then
    local has_more = redis.call('ZCARD', K.runs) > rank
    redis.call('HSET', K.sweep, 'runs', has_more and rank or 0)
    return
  end
  local cursor, done = Cursor.read(redis.call('HGET', K.sweep, 'active') or Cursor.START)
  local page = redis.call('SSCAN', K.run_active .. run, cursor, 'COUNT', PAGE)
  local upto = done + PAGE
  for i = done + 1, math.min(upto, #page[2]) do
    look_at(run, page[2][i])
  end
  local following = upto < #page[2] and Cursor.write(cursor, upto) or Cursor.write(page[1], 0)
  if Members.is_stuck(run) and redis.call('EXISTS', K.leftovers) == 0 and not Leftovers.any() then
    -- What says who follows whom was written over, or is gone.
    Run.stop(run, 'failed')
  end
  redis.call('HSET', K.sweep, 'active', following)
  if following == Cursor.START then
    redis.call('HSET', K.sweep, 'runs', rank + 1)
  end
end
