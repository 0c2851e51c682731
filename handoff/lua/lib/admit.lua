-- A function that is ready: placed on a node, or set to wait.
--
-- KEYS     rq_job  rq_results  rq_deferred  rq_queue  rq_queues  rq_channel  shape  delayed  live  order  held  running
-- @include lib/node
-- @include lib/waiting

-- Reserve and enqueue on a node that fits. The placement number makes the reservation's id, `<job>:<n>`, which is
-- also the name under which RQ will know the execution. It is never given twice: of a job that rq deleted, a
-- reservation may be left when another of the same id comes.
local function place(job, node, lobby, now)
  local _, _, cost = parse_shape(job.h_shape)
  job.h_placement = text(redis.call('INCR', K.order))
  local queue = lobby .. '.' .. node.name
  local devices = hold(node, reservation_of(job), cost, now)
  set_job(job, 'status', 'queued', 'origin', queue, 'enqueued_at', iso(now), 'h_node', node.name,
    'h_devices', devices, 'h_placement', job.h_placement)
  redis.call('HDEL', K.rq_job .. job.id, 'h_state')
  redis.call('ZREM', K.rq_deferred .. lobby, job.id)
  redis.call('SADD', K.rq_queues, K.rq_queue .. queue)
  -- An agent takes all that its queue holds, so only the first entry needs a hint. A lost one costs half a second.
  if redis.call('RPUSH', K.rq_queue .. queue, job.id) == 1 then
    redis.call('PUBLISH', K.rq_channel .. queue, '{"command": "handoff-work"}')
  end
end

-- -> the node it was placed on, or nil: it waits. `preferred` is tried first.
local function admit(job, lobby, now, preferred)
  local wants, pin = parse_shape(job.h_shape)
  local node
  -- The first of a shape behind waiting ones of its kind is queued without looking.
  if redis.call('EXISTS', K.shape .. job.h_shape) == 0 then
    if preferred and preferred ~= '' and (pin == '' or pin == preferred) then
      node = load_node(preferred)
      node = node and fits(node, wants) and node
    end
    node = node or first_fit(wants, pin)
  end
  if node then
    place(job, node, lobby, now)
    return node
  end
  start_waiting(job, lobby, now)
  emit(now, 'waiting', 'job', job.id, 'shape', job.h_shape)
  return nil
end

local function admit_later(job, lobby, due, now)
  to_lobby(job, lobby, 'delayed', now)
  redis.call('ZADD', K.delayed, due, job.id)
  emit(now, 'delayed', 'job', job.id, 'until_ms', text(due))
end

-- Jobs that came by rq's own hands (requeued, enqueued past us) get what a submit would have given them. One that is
-- placed stands on a second queue by mistake.
local function adopt(job, lobby, now)
  local id = reservation_of(job)
  if job.h_node and redis.call('HEXISTS', K.held .. job.h_node, id) == 1
    and not redis.call('ZSCORE', K.running .. job.h_node, id) then
    return
  end
  if not job.h_shape then
    set_job(job, 'h_shape', 'slots=' .. UNIT, 'h_rank', next_rank(0))
  end
  if job.h_cancel then
    job.h_cancel = nil
    redis.call('HDEL', K.rq_job .. job.id, 'h_cancel')
  end
  -- rq's requeue lets the time run on for which it was kept after its last end.
  redis.call('PERSIST', K.rq_job .. job.id)
  redis.call('PERSIST', K.rq_results .. job.id)
  admit(job, lobby, now)
end

-- Which live nodes could hold the shape when idle. -> how many; and if none, per resource {name, wanted, largest}
local function judge(shape)
  local wants, pin = parse_shape(shape)
  local base = K.live
  if pin ~= '' then
    local node = load_node(pin)
    base = scratch()
    if node and node.state == 'up' then
      redis.call('SETBIT', base, node.position, 1)
    end
  end
  local bitmap = satisfying('cap', base, wants)
  local count = bitmap and redis.call('BITCOUNT', bitmap) or 0
  local short = {}
  if count == 0 then
    for _, want in ipairs(wants) do
      local most = 0
      for _, index in ipairs(indices_of(want[1], want[2])) do
        local value = largest('cap', index[1], base)
        most = math.max(most, string.find(index[1], '#idle', 1, true) and value * UNIT or value)
      end
      if most < want[2] then
        short[#short + 1], short[#short + 2], short[#short + 3] = want[1], text(want[2]), text(most)
      end
    end
  end
  drop_scratch()
  return count, short
end
