-- One run of a graph: who of it has not ended, what becomes of it when one does, and its end.
--
-- A run is a hash: `dag` (the user's id), `state` (loading, running, stopping, finished, failed, canceled, dropped),
-- `total`, `base` (its functions' orders begin here), `created_ms`, `ended_ms`, `reason` (why it is stopped: failed,
-- canceled, timeout, detached), `before` (the run of that id before it), `failed` (number of the function that failed
-- first), `fail_fast`, `limit`, `timeout_ms`, `result_ttl`, `failure_ttl`, `part` (slices loaded), `cancel` (the call that
-- canceled it), `expires_ms`, and `n_finished`, `n_failed`, `n_canceled`.
--
-- Its functions are the jobs `<run>-<number>`, from 1. Each stands in `missing` until its dependencies have ended, then
-- in `active` until it has ended itself; so one that ends is counted once, whoever finds it, and the run has ended when
-- both are empty.
--
-- KEYS     gone  run  run_active  run_missing  run_groups  run_end  overtaking  node
-- @lazy
-- @include lib/node
-- @include lib/events
-- @include lib/timers
-- @include lib/later

local function number_of(job_id)
  return string.match(job_id, '%-(%d+)$')
end

local function token_of(run)
  return 'run.' .. run
end

-- The run may have so many functions placed at once: a token that all nodes share.
local function add_tokens(run, units)
  local shared = open_shared()
  shared.cap[token_of(run)] = units
  redis.call('HSET', K.node .. SHARED, 'cap:' .. token_of(run), text(units))
  write_node(shared)
end

local function drop_tokens(run)
  local shared, token = load_shared(), token_of(run)
  shared.cap[token], shared.tried[token] = nil, nil
  redis.call('HDEL', K.node .. SHARED, 'cap:' .. token, 'tried:' .. token)
  -- What rq deleted may still run, and gives its token back later.
  if (shared.used[token] or 0) == 0 then
    shared.used[token] = nil
    redis.call('HDEL', K.node .. SHARED, 'used:' .. token)
  end
  redis.call('HDEL', K.overtaking, 'n:' .. token)
  write_node(shared)
  close_shared()
end

-- For as long as a client may ask again for a slice of it, a word is left of a run that is not kept for so long itself.
local RUN_WORD_MS = 60000

local function leave_run_word(run, word, left_ms)
  if left_ms >= 0 and left_ms < RUN_WORD_MS then
    redis.call('SET', K.gone .. run, word, 'PX', RUN_WORD_MS)
  end
end

-- What a run needs only while it runs.
local function clear_run(run)
  drop_timer('run|' .. run)
  drop_timer('attached|' .. run)
  drop_timer('load|' .. run)
  redis.call('DEL', K.run_active .. run, K.run_missing .. run)
  if tonumber(redis.call('HGET', K.run .. run, 'limit') or 0) > 0 then
    drop_tokens(run)
  end
end

local OUTCOMES = {failed = 'failed', timeout = 'failed', canceled = 'canceled', detached = 'canceled'}

local function end_run(run, now)
  local fields = redis.call('HMGET', K.run .. run, 'reason', 'failed', 'dag')
  local state = OUTCOMES[fields[1] or ''] or (fields[2] and 'failed') or 'finished'
  redis.call('HSET', K.run .. run, 'state', state, 'ended_ms', text(now))
  clear_run(run)
  redis.call('XADD', K.run_end .. run, '*', 'state', state)
  later('keep', run, '0')
  emit(now, 'run', 'run', run, 'dag', fields[3], 'change', state)
end

-- All of it is loaded. Its roots follow from 0, which nobody has to wait for.
local function begin_run(run, dag, lease_ms, now)
  drop_timer('load|' .. run)
  redis.call('HSET', K.run .. run, 'state', 'running')
  local timeout_ms = tonumber(redis.call('HGET', K.run .. run, 'timeout_ms') or 0)
  if timeout_ms > 0 then
    set_timer('run|' .. run, now + timeout_ms)
  end
  if lease_ms > 0 then
    set_timer('attached|' .. run, now + lease_ms)
  end
  emit(now, 'run', 'run', run, 'dag', dag, 'change', 'running')
  if redis.call('EXISTS', K.run_missing .. run) == 0 then
    end_run(run, now)
  else
    later('follow', run, '0')
  end
end

-- A graph that is not loaded to its end.
local function drop_run(run)
  redis.call('HSET', K.run .. run, 'state', 'dropped')
  later('drop', run, '0')
end

-- No more of it is started; what runs is stopped.
local function stop_run(run, reason, now)
  redis.call('HSET', K.run .. run, 'state', 'stopping', 'reason', reason)
  later('stop', run, '0')
  emit(now, 'run', 'run', run, 'change', 'stopping', 'reason', reason)
end

-- Somebody waits behind the one that was to choose a node for its group.
local function resign(run, group, number)
  if redis.call('HGET', K.run_groups .. run, group .. '|chooser') == number then
    redis.call('HDEL', K.run_groups .. run, group .. '|chooser', number .. '|chooses')
    later('unpark', run, group)
  end
end

-- rq deleted a function, and with it the word which group it was of.
local function resign_everywhere(run, number)
  local group = redis.call('HGET', K.run_groups .. run, number .. '|chooses')
  if group then
    resign(run, group, number)
  end
end

-- A function of a run has ended; `culprit` is given where that is so because another failed. Ended once more, by rq's
-- requeue, it is not counted again. -> whether it was counted
local function leave_run(job, status, culprit, now)
  local run, number = job.h_run, number_of(job.id)
  if redis.call('SREM', K.run_active .. run, number) == 0 and redis.call('HDEL', K.run_missing .. run, number) == 0 then
    return false
  end
  local kind = status == 'stopped' and 'failed' or status
  redis.call('HINCRBY', K.run .. run, 'n_' .. kind, 1)
  if job.h_group then
    resign(run, job.h_group, number)
  elseif not job.status then
    resign_everywhere(run, number)
  end
  if kind == 'finished' then
    later('follow', run, number)
  else
    local fields = redis.call('HMGET', K.run .. run, 'state', 'fail_fast', 'failed')
    if fields[1] == 'loading' then
      drop_run(run)
      return true
    elseif fields[1] == 'running' then
      if not culprit and not fields[3] then
        redis.call('HSET', K.run .. run, 'failed', number)
      end
      if fields[2] == '1' then
        stop_run(run, 'failed', now)
      else
        later('skip', run, number)
      end
    end
  end
  if redis.call('EXISTS', K.run_active .. run, K.run_missing .. run) == 0 then
    end_run(run, now)
  end
  return true
end
