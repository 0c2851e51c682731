-- What follows from an end in a run, a slice at a time: by whoever ended it, and by every script with budget left.
--
-- KEYS     run  runs  run_of  run_next  run_missing  run_active  run_groups  run_parked  run_graph  run_end  grouped
--          unfolding  rq_job  rq_results  rq_dependencies  rq_finished  rq_failed  rq_canceled
-- @lazy
-- @include lib/cancel

-- To count one dependency down costs a small part of making a function ready.
local STEP, SMALL_STEP = 1, 1 / 16
-- Functions in front of one that became ready that are started before it.
local MOST_WOKEN = 8

local function job_of(run, number)
  local job = read_job(run .. '-' .. number)
  -- rq deleted it: it counts as canceled.
  return job or {id = run .. '-' .. number, h_run = run}, job ~= nil
end

-- Go through numbers in a text from a byte on, as far as the budget reaches. -> cost, where to go on, nil = at the end
local function each_number(listed, from, budget, visit)
  local cost = 0
  local first, last = string.find(listed, '%d+', from + 1)
  while first do
    if cost >= budget then
      return cost, first - 1
    end
    cost = cost + visit(string.sub(listed, first, last))
    first, last = string.find(listed, '%d+', last + 1)
  end
  return cost + STEP
end

local function unfold_follow(run, number, from, budget, ready_jobs, _, now)
  local listed = redis.call('HGET', K.run_next .. run, number)
  if not listed then
    return SMALL_STEP
  end
  return each_number(listed, from, budget, function(follower)
    local missing = redis.call('HINCRBY', K.run_missing .. run, follower, -1)
    if missing <= 0 then
      redis.call('HDEL', K.run_missing .. run, follower)
    end
    -- Below 0: it was canceled before its dependencies had ended.
    if missing ~= 0 then
      return SMALL_STEP
    end
    redis.call('SADD', K.run_active .. run, follower)
    local job, is_there = job_of(run, follower)
    if not is_there or job.status ~= 'deferred' then
      leave_run(job, 'canceled', nil, now)
    else
      ready_jobs[#ready_jobs + 1] = job
    end
    return STEP
  end)
end

local function unfold_skip(run, number, from, budget, _, lobby, now)
  local listed = redis.call('HGET', K.run_next .. run, number)
  if not listed then
    return SMALL_STEP
  end
  local fields = redis.call('HMGET', K.rq_job .. run .. '-' .. number, 'h_culprit', 'h_function')
  local culprit = fields[1] or fields[2] or number
  return each_number(listed, from, budget, function(follower)
    if redis.call('HEXISTS', K.run_missing .. run, follower) == 0 then
      return SMALL_STEP
    end
    local job, is_there = job_of(run, follower)
    if is_there and job.status == 'deferred' then
      set_job(job, 'h_culprit', culprit, 'h_message', "its dependency '" .. culprit .. "' did not finish")
      cancel_job(job, 'run', lobby, now, culprit)
    else
      leave_run(job, 'canceled', culprit, now)
    end
    return STEP
  end)
end

-- Go through all functions of a run. -> cost, where to go on, nil = at the end
local function each_function(run, from, budget, visit)
  local total = tonumber(redis.call('HGET', K.run .. run, 'total') or 0)
  local number, cost = from, 0
  while number < total do
    if cost >= budget then
      return cost, number
    end
    number = number + 1
    cost = cost + visit(text(number))
  end
  return cost + STEP
end

-- A function of a run whose dependencies have ended. Its delay, if it has one, begins now.
local function serve_ready(job, lobby, now, grown)
  -- Its delay, and the time that it may wait, began when it was ready first.
  if job.h_state ~= 'deferred' then
    admit(job, lobby, now, option_of(job, 'prefer'), grown)
    return
  end
  local due = math.max(tonumber(option_of(job, 'due') or 0), now + tonumber(option_of(job, 'delay') or 0))
  if due > now then
    admit_later(job, lobby, due, now)
  else
    ready(job, lobby, now, nil, grown)
  end
end

local WHY = {failed = "failed", timeout = "took too long", canceled = "was canceled", detached = "was left alone"}

local function unfold_stop(run, _, from, budget, _, lobby, now)
  local fields = redis.call('HMGET', K.run .. run, 'reason', 'dag')
  local why = "its run '" .. (fields[2] or '') .. "' " .. (WHY[fields[1] or ''] or '')
  return each_function(run, from, budget, function(number)
    local is_deferred = redis.call('HEXISTS', K.run_missing .. run, number) == 1
    if not is_deferred and redis.call('SISMEMBER', K.run_active .. run, number) == 0 then
      return SMALL_STEP
    end
    local job, is_there = job_of(run, number)
    if is_there and not job.h_cancel then
      set_job(job, 'h_message', why)
    end
    if not is_there or not (cancel_job(job, 'run', lobby, now, run) or job.h_cancel) then
      leave_run(job, 'canceled', run, now)
    end
    return STEP
  end)
end

local function unfold_unpark(run, group, left, budget, ready_jobs)
  local parked = K.run_parked .. run .. ':' .. group
  -- Who is parked again, behind the next that chooses, is not looked at twice.
  left = left > 0 and left or redis.call('LLEN', parked)
  local cost = STEP
  while left > 0 and cost < budget do
    local number = redis.call('LPOP', parked)
    if not number then
      return cost
    end
    local job = job_of(run, number)
    if job.status == 'deferred' and job.h_state == 'parked' then
      ready_jobs[#ready_jobs + 1] = job
    end
    left, cost = left - 1, cost + STEP
  end
  return cost, left > 0 and left or nil
end

local function unfold_regroup(run, group, from, budget, ready_jobs, _, now)
  local listed = redis.call('HGET', K.run_groups .. run, group .. '|members')
  if not listed then
    return SMALL_STEP
  end
  return each_number(listed, from, budget, function(number)
    if redis.call('SISMEMBER', K.run_active .. run, number) == 0 then
      return SMALL_STEP
    end
    local job = job_of(run, number)
    if job.status == 'deferred' and job.h_state == 'waiting' then
      stop_waiting(job, now)
      ready_jobs[#ready_jobs + 1] = job
    end
    return STEP
  end)
end

local function unfold_disband(name, _, _, budget)
  local node = load_node(name)
  if node and node.state == 'up' and not node.draining and not node.quiet then
    -- It is back.
    return STEP
  end
  for _, each in ipairs(redis.call('SPOP', K.grouped .. name, math.ceil(budget))) do
    local run, group = string.match(each, '^(.*)|(%d+)$')
    if redis.call('HGET', K.run_groups .. run, group .. '|node') == name then
      redis.call('HDEL', K.run_groups .. run, group .. '|node')
      later('regroup', run, group)
    end
  end
  return STEP, redis.call('EXISTS', K.grouped .. name) == 1 and 0 or nil
end

-- `left_ms` from now; 0 = at once, below = never.
local function expire_key(key, left_ms)
  if left_ms == 0 then
    redis.call('DEL', key)
  elseif left_ms > 0 then
    redis.call('PEXPIRE', key, text(left_ms))
  end
end

local function unfold_forget(run)
  local groups, cursor, page = K.run_groups .. run, '0', nil
  repeat
    -- A page may be empty where a large hash has emptied.
    local found = redis.call('HSCAN', groups, cursor, 'COUNT', 16)
    cursor, page = found[1], found[2]
  until #page > 0 or cursor == '0'
  for i = 1, #page, 2 do
    local group, kind = string.match(page[i], '^(%d+)|(%l+)$')
    if kind == 'node' then
      redis.call('SREM', K.grouped .. page[i + 1], run .. '|' .. group)
    elseif kind == 'members' then
      redis.call('DEL', K.run_parked .. run .. ':' .. group)
    end
    redis.call('HDEL', groups, page[i])
  end
  return STEP + #page / 4, redis.call('EXISTS', groups) == 1 and 0 or nil
end

-- All that a run has left expires together, however many scripts it takes to say so.
local function unfold_keep(run, _, from, budget, _, _, now)
  local fields = redis.call('HMGET', K.run .. run, 'state', 'result_ttl', 'failure_ttl', 'expires_ms', 'dag')
  if not fields[1] then
    return STEP
  end
  local expires_ms = tonumber(fields[4] or nil)
  if not expires_ms then
    local ttl = tonumber(fields[1] == 'finished' and fields[2] or fields[3])
    expires_ms = ttl < 0 and -1 or now + ttl * 1000
    redis.call('HSET', K.run .. run, 'expires_ms', text(expires_ms))
  end
  local left_ms = expires_ms < 0 and -1 or math.max(0, expires_ms - now)
  local cost, at = each_function(run, from, budget, function(number)
    local id = run .. '-' .. number
    local job = redis.call('HMGET', K.rq_job .. id, 'status', 'origin')
    local registry = job[1] == 'finished' and K.rq_finished or job[1] == 'canceled' and K.rq_canceled or K.rq_failed
    if job[2] and left_ms == 0 then
      redis.call('ZREM', registry .. job[2], id)
    elseif job[2] and left_ms > 0 then
      expire_in_registry(registry .. job[2], id, math.floor(expires_ms / 1000))
    end
    expire_key(K.rq_job .. id, left_ms)
    expire_key(K.rq_results .. id, left_ms)
    expire_key(K.rq_dependencies .. id .. ':dependencies', left_ms)
    return STEP / 2
  end)
  if not at then
    later('forget', run, '0')
    redis.call('DEL', K.run_next .. run)
    for _, key in ipairs({K.run .. run, K.run_graph .. run, K.run_end .. run}) do
      expire_key(key, left_ms)
    end
    if redis.call('GET', K.run_of .. fields[5]) == run then
      expire_key(K.run_of .. fields[5], left_ms)
    end
    if left_ms == 0 then
      redis.call('ZREM', K.runs, run)
    end
    leave_run_word(run, 'ended', left_ms)
  end
  return cost, at
end

-- A graph that was never loaded to its end leaves nothing.
local function unfold_drop(run, _, from, budget, _, lobby, now)
  local fields = redis.call('HMGET', K.run .. run, 'dag', 'before')
  local dag, earlier = fields[1], fields[2]
  local cost, at = each_function(run, from, budget, function(number)
    local job, is_there = job_of(run, number)
    if is_there then
      local node = take_off(job, 'undone', lobby, now)
      redis.call('ZREM', K.rq_canceled .. lobby, job.id)
      redis.call('DEL', K.rq_job .. job.id, K.rq_results .. job.id, K.rq_dependencies .. job.id .. ':dependencies')
      if node then
        wake(node, lobby, now, 8)
      end
    end
    return is_there and STEP or SMALL_STEP
  end)
  if not at then
    clear_run(run)
    later('forget', run, '0')
    redis.call('DEL', K.run .. run, K.run_next .. run, K.run_graph .. run)
    redis.call('ZREM', K.runs, run)
    if dag and redis.call('GET', K.run_of .. dag) == run then
      redis.call('DEL', K.run_of .. dag)
      local left_ms = earlier and redis.call('PTTL', K.run .. earlier) or -2
      if left_ms ~= -2 then
        redis.call('SET', K.run_of .. dag, earlier)
        expire_key(K.run_of .. dag, left_ms)
      end
    end
  end
  return cost, at
end

local KINDS = {follow = unfold_follow, skip = unfold_skip, stop = unfold_stop, unpark = unfold_unpark,
  regroup = unfold_regroup, disband = unfold_disband, keep = unfold_keep, drop = unfold_drop, forget = unfold_forget}

-- Do what was left over, and let those that became ready be placed or wait, the best rank first. `node` is one whose room
-- grew in this script and was not yet offered: who waits in front of a function that became ready is tried there first.
-- -> the budget that is left
local function unfold(lobby, now, budget, node)
  repeat
    local ready_jobs = {}
    local what, from
    repeat
      what, from = next_left_over()
      if what then
        local kind, run, number = string.match(what, '^(%l+)|([^|]*)|(.*)$')
        local cost, at = KINDS[kind](run, number, from, math.max(1, budget), ready_jobs, lobby, now)
        budget = budget - cost
        if at then
          redis.call('ZADD', K.unfolding, at, what)
        end
      end
    until not what or budget <= 0
    table.sort(ready_jobs, before)
    for i, job in ipairs(ready_jobs) do
      -- What was done after it became ready may have ended it, or made it ready once more.
      local is_same = i > 1 and ready_jobs[i - 1].id == job.id
      if not is_same and redis.call('SISMEMBER', K.run_active .. job.h_run, number_of(job.id)) == 1 then
        if redis.call('HGET', K.run .. job.h_run, 'state') == 'running' then
          if node then
            local most = math.max(1, math.min(MOST_WOKEN, budget))
            budget = budget - most + wake(node, lobby, now, most, tonumber(job.h_rank))
          end
          serve_ready(job, lobby, now, node)
        else
          cancel_job(job, 'run', lobby, now, job.h_run)
        end
      end
    end
  until not what or budget <= 0
  return budget
end
