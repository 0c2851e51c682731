-- Starting what stands on a node's queue: looked at again, for rq's own tools may have been there.
--
-- KEYS     run  rq_queue  rq_job  rq_results  rq_suspended  rq_wip  rq_worker  rq_execution  rq_executions  held  running
-- @include lib/settle

local MOST_ADOPTED = 64

local function start(job, node, queue, op, now)
  local id = reservation_of(job)
  local attempts = text(tonumber(job.h_attempts or 0) + 1)
  set_job(job, 'status', 'started', 'started_at', iso(now), 'last_heartbeat', iso(now), 'worker_name', queue,
    'h_attempts', attempts)
  redis.call('ZADD', K.running .. node.name, op, id)
  -- +inf is rq's own way to say "no time limit": anybody's registry cleanup leaves the entry alone.
  redis.call('ZADD', K.rq_wip .. queue, '+inf', id)
  local seconds = string.format('%.3f', now / 1000)
  redis.call('HSET', K.rq_execution .. id, 'id', job.h_placement, 'job_id', job.id, 'created_at', seconds,
    'last_heartbeat', seconds, 'worker_name', queue)
  redis.call('ZADD', K.rq_executions .. job.id, '+inf', job.h_placement)
  redis.call('SADD', K.rq_worker .. queue .. ':executions', id)
  if option_of(job, 'wait') then
    drop_timer('expire|' .. job.id)
  end
  emit(now, 'started', 'id', id, 'node', node.name)
end

-- Read once a script: whoever stops a run does so before anything is taken.
local stopping = {}

local function is_stopping(run)
  if stopping[run] == nil then
    stopping[run] = redis.call('HGET', K.run .. run, 'state') == 'stopping'
  end
  return stopping[run]
end

-- Pop and start up to `room` functions. Which ones were started is read from `running`, under this op.
local function take(node, lobby, op, room, now)
  local queue = lobby .. '.' .. node.name
  if room <= 0 or redis.call('EXISTS', K.rq_suspended) == 1 then
    return
  end
  local looks = room + MOST_ADOPTED
  while room > 0 and looks > 0 do
    looks = looks - 1
    local job_id = redis.call('LPOP', K.rq_queue .. queue)
    if not job_id then
      return
    end
    local fresh = placed_now(job_id, node)
    local job = fresh or read_job(job_id)
    if job then
      local id = reservation_of(job)
      local held = fresh or redis.call('HEXISTS', K.held .. node.name, id) == 1
      if job.status ~= 'queued' then
        -- Canceled by rq: its room is free again.
        if held and not redis.call('ZSCORE', K.running .. node.name, id) then
          give_back(node, id, 'canceled', now)
        end
      elseif job.h_run and is_stopping(job.h_run) then
        cancel_job(job, 'run', lobby, now, job.h_run)
      elseif held and (fresh or not redis.call('ZSCORE', K.running .. node.name, id)) then
        start(job, node, queue, op, now)
        room = room - 1
      else
        adopt(job, lobby, now)
      end
    end
  end
end

local sent = {}

-- The newest entry of a result, false where it is large. Of a fan-out all take the same one.
local function result_to_send(id)
  if sent[id] == nil then
    sent[id] = redis.call('HEXISTS', K.rq_job .. id, 'h_bulk') == 0
      and redis.call('XREVRANGE', K.rq_results .. id, '+', '-', 'COUNT', 1)[1] or false
  end
  return sent[id]
end

-- The results that a function of a run takes, {number, {field, value, ...}}, as far as they are few and small.
local function inputs_of(job_id)
  local takes, inputs = redis.call('HGET', K.rq_job .. job_id, 'h_takes'), {}
  local run = takes and string.match(job_id, '^(.*)%-%d+$')
  for number in string.gmatch(takes or '', '%d+') do
    local entry = result_to_send(run .. '-' .. number)
    if entry then
      inputs[#inputs + 1] = {tonumber(number), entry[2]}
    end
  end
  return inputs
end

-- The jobs started under `op`, as {reservation, {field, value, ...}, inputs}: the same again if asked again.
local function started_under(node, op)
  local started = {}
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', K.running .. node.name, op, op)) do
    local job_id = string.match(id, '^(.*):%d+$')
    started[#started + 1] = {id, redis.call('HGETALL', K.rq_job .. job_id), inputs_of(job_id)}
  end
  return started
end
