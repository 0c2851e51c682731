-- What waits: one ZSET of jobs per shape, the head of each shape by rank, and every shape by what it needs.
--
-- All scheduling looks at heads only, so a million functions of forty shapes cost as forty.
--
-- KEYS     shapes  shape  heads  need  dirty  rq_deferred  rq_queues  rq_queue
-- @include lib/job
-- @include lib/shape

local function index_needs(shape, present)
  local wants, pin = parse_shape(shape)
  if present then
    redis.call('ZADD', K.shapes, 0, shape)
  else
    redis.call('ZREM', K.shapes, shape)
  end
  for _, want in ipairs(wants) do
    local key = K.need .. want[1] .. scope_of(pin)
    if present then
      redis.call('ZADD', key, text(want[2]), shape)
    else
      redis.call('ZREM', key, shape)
    end
  end
end

-- Keep `heads` and `need` in step with the shape's ZSET.
local function refresh_head(shape)
  local _, pin = parse_shape(shape)
  local head = redis.call('ZRANGE', K.shape .. shape, 0, 0, 'WITHSCORES')
  if head[1] then
    redis.call('ZADD', K.heads .. scope_of(pin), head[2], shape)
  else
    redis.call('ZREM', K.heads .. scope_of(pin), shape)
    index_needs(shape, false)
  end
  return head[1]
end

-- To the lobby: RQ's `deferred`, with the finer state beside it.
local function to_lobby(job, lobby, state, now)
  set_job(job, 'status', 'deferred', 'origin', lobby, 'h_state', state)
  redis.call('ZADD', K.rq_deferred .. lobby, math.floor(now / 1000), job.id)
  redis.call('SADD', K.rq_queues, K.rq_queue .. lobby)
end

local function start_waiting(job, lobby, now)
  to_lobby(job, lobby, 'waiting', now)
  local key = K.shape .. job.h_shape
  redis.call('ZADD', key, job.h_rank, job.id)
  if redis.call('ZCARD', key) == 1 then
    index_needs(job.h_shape, true)
  end
  if refresh_head(job.h_shape) == job.id then
    -- A walk over heads that has come further than this rank would now miss the shape.
    for _, name in ipairs(redis.call('ZRANGEBYSCORE', K.dirty, job.h_rank, '+inf')) do
      redis.call('ZADD', K.dirty, text(tonumber(job.h_rank) - 1), name)
    end
  end
end

local function stop_waiting(id, shape)
  redis.call('ZREM', K.shape .. shape, id)
  return refresh_head(shape)
end

-- A shape of which rq's tools canceled thousands is gone through in slices.
local MOST_DROPPED = 16

-- The head of a shape that still waits. Heads that rq's tools canceled or deleted meanwhile are dropped.
local function live_head(shape, lobby)
  local id = redis.call('ZRANGE', K.shape .. shape, 0, 0)[1]
  for _ = 1, MOST_DROPPED do
    if not id then
      return nil
    end
    local job = read_job(id)
    if job and job.status == 'deferred' and job.h_state == 'waiting' and job.h_shape == shape then
      return job
    end
    if not job then
      -- Whoever deletes the hash alone leaves this.
      redis.call('ZREM', K.rq_deferred .. lobby, id)
    end
    id = stop_waiting(id, shape)
  end
  return nil
end
