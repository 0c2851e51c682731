-- A function that is ready: placed on a node, or set to wait.
--
-- KEYS     rq_job  rq_results  rq_deferred  rq_queue  delayed  held  running  order
-- @include lib/waiting
-- @include lib/find
-- @include lib/strategy
-- @include lib/overtaking
-- @include lib/reserve
-- @include lib/group
-- @include lib/hints

-- What this script has placed, as it stands on its queue: nobody else can have been there.
local just_placed = {}

local function placed_now(job_id, node)
  local job = just_placed[job_id]
  return job and job.status == 'queued' and job.h_node == node.name and job or nil
end

-- Onto the queue of the node that holds its reservation.
local function enqueue_on(node, job, shape, lobby, now)
  local queue = lobby .. '.' .. node.name
  set_job(job, 'status', 'queued', 'origin', queue, 'enqueued_at', iso(now))
  local waited = job.h_state == 'waiting'
  if job.h_state then
    unset_job(job, 'h_state', 'h_since')
  end
  redis.call('ZREM', K.rq_deferred .. lobby, job.id)
  list_queue(queue)
  if redis.call('RPUSH', K.rq_queue .. queue, job.id) == 1 then
    hint(queue)
  end
  just_placed[job.id] = job
  count_placement(shape, tonumber(job.h_rank), waited, now)
end

-- Reserve on a node that fits. The placement number makes the reservation's id, `<job>:<n>`, which is also the name under
-- which RQ will know the execution. It is never given twice: of a job that rq deleted, a reservation may be left when
-- another of the same id comes.
local function reserve(job, node, variant, now)
  local demand = demand_of(job.h_demand)
  local shape = shape_of(demand[variant].shape)
  job.h_placement = text(redis.call('INCR', K.order))
  local devices = hold(node, reservation_of(job), shape.cost, now)
  set_job(job, 'h_node', node.name, 'h_devices', devices, 'h_placement', job.h_placement)
  if #demand > 1 then
    set_job(job, 'h_variant', text(variant - 1))
  end
  if job.h_group then
    choose_for_group(job, node)
  end
  return shape
end

local function place(job, node, variant, lobby, now)
  enqueue_on(node, job, reserve(job, node, variant, now), lobby, now)
end

local function choice_of(job)
  return strategy_named(option_of(job, 'strategy'))
end

-- Look whether any node could hold it: found wanting at two looks in a row, it is given up (see tick). -> whether one
-- could
local function look_at_fitness(job, ms, now)
  local is_able = count_able(demand_of(job.h_demand)) > 0
  redis.call('HSET', K.rq_job .. job.id, 'h_unfit', is_able and '0' or '1')
  set_timer('unfit|' .. job.id, now + ms)
  return is_able
end

local function watch_fitness(job, now)
  local ms = option_of(job, 'unfit')
  if ms then
    look_at_fitness(job, tonumber(ms), now)
  end
end

-- -> the node it was placed on, or nil: it waits. `preferred` is tried first; `grown`: see lib/find.
local function admit(job, lobby, now, preferred, grown)
  if job.h_group and not join_group(job) then
    to_lobby(job, lobby, 'parked', now)
    emit(now, 'parked', 'job', job.id)
    return nil
  end
  local rank = tonumber(job.h_rank)
  for i, variant in ipairs(demand_of(job.h_demand)) do
    local shape = shape_of(variant.shape)
    if variant.after == 0 and may_fit(shape, rank, grown) then
      local node = preferred and preferred ~= '' and load_node(preferred)
      node = node and fits(node, shape, rank) and node or find_node(shape, rank, choice_of(job), nil, grown)
      if node then
        place(job, node, i, lobby, now)
        return node
      end
    end
  end
  start_waiting(job, lobby, now)
  watch_fitness(job, now)
  emit(now, 'waiting', 'job', job.id, 'demand', job.h_demand)
  return nil
end

-- One of its variants has been waited for long enough: it is tried, and waits beside the others.
local function join_variant(job, number, lobby, now)
  local shape, rank = shape_of(demand_of(job.h_demand)[number].shape), tonumber(job.h_rank)
  local node = may_fit(shape, rank) and find_node(shape, rank, choice_of(job))
  if node then
    stop_waiting(job, now)
    place(job, node, number, lobby, now)
  else
    join_shape(job, shape, now)
  end
end

-- A run that reserves whole has reserved for it; unless the node was lost meanwhile, or takes nothing.
local function serve_reserved(job, lobby, now)
  local id, node = reservation_of(job), load_node(job.h_node)
  unset_job(job, 'h_reserved')
  if not node or redis.call('HEXISTS', K.held .. node.name, id) == 0 then
    return false
  end
  if not is_open(node) then
    give_back(node, id, 'moved', now)
    return false
  end
  enqueue_on(node, job, shape_of(demand_of(job.h_demand)[tonumber(job.h_variant or 0) + 1].shape), lobby, now)
  return true
end

-- What was submitted, or was delayed, may wait from now on. Only before its first start is the time limited.
local function ready(job, lobby, now, preferred, grown)
  local wait_ms = option_of(job, 'wait')
  if wait_ms and tonumber(job.h_attempts or 0) == 0 then
    set_timer('expire|' .. job.id, now + tonumber(wait_ms))
  end
  if not job.h_reserved or not serve_reserved(job, lobby, now) then
    admit(job, lobby, now, preferred or option_of(job, 'prefer'), grown)
  end
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
  if not job.h_demand then
    set_job(job, 'h_demand', 'slots=' .. UNIT, 'h_rank', next_rank(0))
  end
  if job.h_cancel then
    unset_job(job, 'h_cancel')
  end
  -- Brought back after its run: the limit of that is gone.
  if job.h_run and not load_shared().cap[token_of(job.h_run)] then
    local token = string.gsub(token_of(job.h_run), '%.', '%%.') .. '=%d+,?'
    set_job(job, 'h_demand', (string.gsub(job.h_demand, token, '')))
    if job.h_base then
      set_job(job, 'h_base', (string.gsub(job.h_base, token, '')))
    end
  end
  -- rq's requeue lets the time run on for which it was kept after its last end.
  redis.call('PERSIST', K.rq_job .. job.id)
  redis.call('PERSIST', K.rq_results .. job.id)
  admit(job, lobby, now)
end
