-- One run of a graph: its beginning, what becomes of it when one of its functions ends, and its end.
--
-- A run is a hash: `dag` (the user's id), `state` (loading, running, stopping, finished, failed, canceled, dropped),
-- `total`, `base` (its functions' orders begin here), `created_ms`, `ended_ms`, `reason` (why it is stopped: failed,
-- canceled, timeout, detached), `before` (the run of that id before it), `failed` (number of the function that failed
-- first), `fail_fast`, `limit`, `timeout_ms`, `result_ttl`, `failure_ttl`, `part` (slices loaded), `cancel` (the call that
-- canceled it), `expires_ms`, and `n_finished`, `n_failed`, `n_canceled`.
--
-- KEYS     run  run_end
-- @include counting  runs/groups  runs/leftovers  runs/members  runs/tokens  texts/number  texts/run_id  texts/timer
-- @include time/events  time/timers

-- False where there is no such run.
function Run.state(run)
  return redis.call('HGET', K.run .. run, 'state')
end

-- What a run needs only while it runs.
function Run.clear(run)
  Timers.drop(Timer.of('run', run))
  Timers.let_go(Timer.of('attached', run))
  Timers.let_go(Timer.of('load', run))
  Members.drop(run)
  if (Number.whole(redis.call('HGET', K.run .. run, 'limit')) or 1) > 0 then
    Tokens.drop(run)
  end
end

local OUTCOMES = {failed = 'failed', timeout = 'failed', canceled = 'canceled', detached = 'canceled'}

local function finish(run)
  local fields = redis.call('HMGET', K.run .. run, 'reason', 'failed', 'dag')
  local state = OUTCOMES[fields[1] or ''] or (fields[2] and 'failed') or 'finished'
  redis.call('HSET', K.run .. run, 'state', state, 'ended_ms', Number.text(Call.wall))
  Run.clear(run)
  redis.call('XADD', K.run_end .. run, '*', 'state', state)
  Leftovers.add('keep', run)
  Events.emit('run', 'run', run, 'dag', fields[3] or '', 'change', state)
end

-- It has ended, and does not know it.
function Run.end_if_empty(run)
  local state = Run.state(run)
  if (state == 'running' or state == 'stopping') and Members.is_empty(run) then
    finish(run)
  end
end

-- All of it is loaded. Its roots follow from 0, which nobody has to wait for. `units` of its token are there, 0 = no limit.
function Run.begin(run, dag, lease_ms, units)
  Timers.let_go(Timer.of('load', run))
  redis.call('HSET', K.run .. run, 'state', 'running')
  local timeout_ms = Number.whole(redis.call('HGET', K.run .. run, 'timeout_ms')) or 0
  if timeout_ms > 0 then
    Timers.set(Timer.of('run', run), Call.now + timeout_ms)
  end
  if lease_ms > 0 then
    Timers.keep_off(Timer.of('attached', run), lease_ms)
  end
  Events.emit('run', 'run', run, 'dag', dag, 'change', 'running', 'units', Number.text(units))
  if Members.is_empty(run) then
    finish(run)
  else
    Leftovers.add('follow', run, '0')
  end
end

-- A graph that is not loaded to its end.
function Run.drop(run)
  redis.call('HSET', K.run .. run, 'state', 'dropped')
  Leftovers.add('drop', run)
end

-- No more of it is started; what runs is stopped.
function Run.stop(run, reason)
  redis.call('HSET', K.run .. run, 'state', 'stopping', 'reason', reason)
  Leftovers.add('stop', run)
  local dag = redis.call('HGET', K.run .. run, 'dag') or ''
  Events.emit('run', 'run', run, 'dag', dag, 'change', 'stopping', 'reason', reason)
end

-- One of its functions ended otherwise than finished. -> whether the run goes on
local function fail(run, number, culprit)
  local fields = redis.call('HMGET', K.run .. run, 'state', 'fail_fast', 'failed')
  if fields[1] == 'loading' then
    Run.drop(run)
    return false
  end
  if fields[1] == 'running' then
    if not culprit and not fields[3] then
      redis.call('HSET', K.run .. run, 'failed', number)
    end
    if fields[2] == '1' then
      Run.stop(run, 'failed')
    else
      Leftovers.add('skip', run, number)
    end
  end
  return true
end

-- A function of a run has ended; `culprit` is given where that is so because another failed. Ended once more, by rq's
-- requeue, it is not counted again. -> whether it was counted
function Run.leave(job, status, culprit)
  local run, number = job.run, RunId.number(job.id)
  if not Members.remove(run, number) or not Run.state(run) then
    return false
  end
  local outcome = status == 'stopped' and 'failed' or status
  Counting.add(K.run .. run, 'n_' .. outcome, 1)
  if job.group then
    Groups.resign(run, job.group, number)
  elseif job.bent or not job.status then
    Groups.resign_everywhere(run, number)
  end
  if outcome == 'finished' then
    Leftovers.add('follow', run, number)
  elseif not fail(run, number, culprit) then
    return true
  end
  if Members.is_empty(run) then
    finish(run)
  end
  return true
end
