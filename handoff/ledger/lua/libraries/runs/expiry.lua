-- What a run has left: kept for a while, or taken away.
--
-- KEYS     groups_on  rq_canceled  rq_job  rq_results  run  run_end  run_graph  run_groups  run_next  run_of  run_parked  runs
-- @include jobs/cancel  jobs/job  jobs/registries  jobs/rq_dependencies  jobs/telling  jobs/words  runs/leftovers
-- @include runs/members  runs/run  runs/steps
-- @include texts/group_field  texts/number  texts/run_id  texts/run_word  waiting/wake  writes

-- Seconds: more is for ever.
local LONGEST_TTL = 10 ^ 10

-- `left_ms` from now; 0 = at once, below = never.
local function expire_key(key, left_ms)
  if left_ms == 0 then
    redis.call('DEL', key)
  elseif left_ms > 0 then
    redis.call('PEXPIRE', key, Number.text(left_ms))
  end
end

-- What is known of its groups, a page at a time.
function Expiry.forget(step)
  local groups, cursor, page = K.run_groups .. step.run, '0', nil
  repeat
    -- A page may be empty where a large hash has emptied.
    local found = redis.call('HSCAN', groups, cursor, 'COUNT', 16)
    cursor, page = found[1], found[2]
  until #page > 0 or cursor == '0'
  for i = 1, #page, 2 do
    local group, kind = GroupField.read(page[i])
    if kind == 'node' then
      redis.call('SREM', K.groups_on .. page[i + 1], GroupField.on_node(step.run, group))
    elseif kind == 'members' then
      redis.call('DEL', K.run_parked .. GroupField.parked(step.run, group))
    end
    redis.call('HDEL', groups, page[i])
  end
  return Steps.STEP + #page / 4, redis.call('EXISTS', groups) == 1 and 0 or nil
end

-- For how many ms from now a run that has ended is kept; below 0 = for ever. Decided at the first look.
local function left_of(run)
  local state, result_ttl, failure_ttl, expires_ms =
    unpack(redis.call('HMGET', K.run .. run, 'state', 'result_ttl', 'failure_ttl', 'expires_ms'))
  if not expires_ms then
    local ttl = Number.whole(state == 'finished' and result_ttl or failure_ttl, -1, LONGEST_TTL) or -1
    expires_ms = ttl < 0 and -1 or Call.wall + ttl * 1000
    expires_ms = Number.text(expires_ms)
    redis.call('HSET', K.run .. run, 'expires_ms', expires_ms)
  end
  expires_ms = Number.whole(expires_ms, -1) or -1
  return expires_ms < 0 and -1 or math.max(0, expires_ms - Call.wall), expires_ms
end

local function expire_function(id, left_ms, expires_ms)
  local status, origin, told = Job.get(id, 'status', 'origin', 'told')
  local registry = origin and Registries.of(status) .. origin
  if registry and left_ms == 0 then
    redis.call('ZREM', Writes.settle(registry), id)
  elseif registry and left_ms > 0 then
    Registries.expire(registry, id, math.floor(expires_ms / 1000))
  end
  expire_key(K.rq_job .. id, left_ms)
  expire_key(K.rq_results .. id, left_ms)
  Telling.expire({id = id, told = told}, left_ms)
  expire_key(RqDependencies.key(id), left_ms)
end

-- All that a run has left expires together, however many scripts it takes to say so.
function Expiry.keep(step)
  local run = step.run
  local dag = redis.call('HGET', K.run .. run, 'dag')
  if not dag then
    return Steps.STEP
  end
  local left_ms, expires_ms = left_of(run)
  local cost, from = Steps.each_function(step, function(number)
    expire_function(RunId.job(run, number), left_ms, expires_ms)
    return Steps.STEP / 2
  end)
  if from then
    return cost, from
  end
  Leftovers.add('forget', run)
  redis.call('DEL', K.run_next .. run)
  for _, key in ipairs({K.run .. run, K.run_graph .. run, K.run_end .. run}) do
    expire_key(key, left_ms)
  end
  if redis.call('GET', K.run_of .. dag) == run then
    expire_key(K.run_of .. dag, left_ms)
  end
  if left_ms == 0 then
    redis.call('ZREM', K.runs, run)
  end
  Words.leave_of_run(run, RunWord.ENDED, left_ms)
  return cost
end

-- The newest run of a graph is dropped: the one before it is the newest again, if it is still known.
local function bring_back(dag, earlier)
  redis.call('DEL', K.run_of .. dag)
  local left_ms = earlier and redis.call('PTTL', K.run .. earlier) or -2
  if left_ms ~= -2 then
    redis.call('SET', K.run_of .. dag, earlier)
    expire_key(K.run_of .. dag, left_ms)
  end
end

-- A graph that was never loaded to its end leaves nothing.
function Expiry.drop(step)
  local run = step.run
  local dag, earlier = unpack(redis.call('HMGET', K.run .. run, 'dag', 'before'))
  local cost, from = Steps.each_function(step, function(number)
    local job, is_there = Members.job(run, number)
    if not is_there then
      return Steps.SMALL
    end
    local node = Cancel.take_off(job, 'undone')
    redis.call('ZREM', Writes.settle(K.rq_canceled .. Call.lobby), job.id)
    Job.drop(job.id)
    redis.call('DEL', K.rq_results .. job.id, RqDependencies.key(job.id))
    if node then
      Wake.node(node, 8)
    end
    return Steps.STEP
  end)
  if from then
    return cost, from
  end
  Run.clear(run)
  Leftovers.add('forget', run)
  redis.call('DEL', K.run .. run, K.run_next .. run, K.run_graph .. run)
  redis.call('ZREM', K.runs, run)
  if dag and redis.call('GET', K.run_of .. dag) == run then
    bring_back(dag, earlier)
  end
  return cost
end
