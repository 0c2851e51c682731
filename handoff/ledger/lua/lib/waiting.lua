-- What waits: one ZSET of jobs per shape, the head of each shape by rank, and every shape by what it needs.
--
-- All scheduling looks at heads only, so a million functions of forty shapes cost as forty. A function that would take
-- one of several shapes stands in each of them; started by one it leaves all.
--
-- KEYS     waiting  shape  heads  need  dirty  rq_deferred  overtaking  noted  fronts
--          able
-- @include lib/job
-- @include lib/shape
-- @include lib/spots
-- @include lib/hold
-- @include lib/timers
-- @include lib/limits
-- @include lib/hints

local function index_needs(shape, is_present)
  for _, want in ipairs(shape.wants) do
    local key = K.need .. want[1] .. shape.scope
    if is_present then
      redis.call('ZADD', key, text(want[2]), shape.text)
    else
      redis.call('ZREM', key, shape.text)
    end
  end
end

-- What the counters of placements say while this function becomes the head: see lib/overtaking.
local function note_head(shape, job_id, now)
  local fields = {}
  for i, want in ipairs(shape.wants) do
    fields[i] = 'n:' .. family_of(want[1])
  end
  fields[#fields + 1] = 'gone'
  local counts, noted, all = redis.call('HMGET', K.overtaking, unpack(fields)), {}, '0'
  for i, want in ipairs(shape.wants) do
    noted[i] = family_of(want[1]) .. '=' .. (counts[i] or 0)
    all = want[1] == 'slots' and counts[i] or all
  end
  write_note(shape.text, {job = job_id, since = now, place = redis.call('ZRANK', K.waiting, job_id) or 0, gone = counts[#fields] or 0,
    looked = all, late = now, counters = table.concat(noted, ',')})
end

-- Bring everything that goes by the heads in step with the shape's ZSET, of which a head came or went. -> the head
local function refresh_head(shape, now)
  local heads = K.heads .. shape.scope
  local was = tonumber(redis.call('ZSCORE', heads, shape.text) or nil)
  local head = redis.call('ZRANGE', K.shape .. shape.text, 0, 0, 'WITHSCORES')
  local is = tonumber(head[2])
  if is == was then
    return head[1]
  end
  if not is then
    redis.call('ZREM', heads, shape.text)
    index_needs(shape, false)
    remove_shape(shape, was)
    redis.call('HDEL', K.noted, shape.text)
    redis.call('HDEL', K.able, shape.text)
    redis.call('ZREM', K.fronts, shape.text)
    return nil
  end
  redis.call('ZADD', heads, head[2], shape.text)
  redis.call('ZADD', K.fronts, head[2], shape.text)
  if was then
    move_head(shape, was, is)
  else
    index_needs(shape, true)
    add_shape(shape, is)
  end
  note_head(shape, head[1], now)
  return head[1]
end

local function join_shape(job, shape, now)
  local key = K.shape .. shape.text
  local is_new = redis.call('ZADD', key, job.h_rank, job.id) == 1
  if is_new and redis.call('ZRANK', key, job.id) > 0 then
    return
  end
  refresh_head(shape, now)
  -- A walk over those that want shared tokens that has come further than this rank would now miss the shape.
  local cursor = tonumber(redis.call('ZSCORE', K.dirty, SHARED) or nil)
  if cursor and cursor >= tonumber(job.h_rank) then
    redis.call('ZADD', K.dirty, text(tonumber(job.h_rank) - 1), SHARED)
  end
end

-- To the lobby: RQ's `deferred`, with the finer state beside it.
local function to_lobby(job, lobby, state, now)
  -- Of a run it stands there already.
  local is_there = job.h_state == 'deferred'
  set_job(job, 'status', 'deferred', 'origin', lobby, 'h_state', state, 'h_since', text(now))
  if not is_there then
    redis.call('ZADD', K.rq_deferred .. lobby, math.floor(now / 1000), job.id)
  end
  list_queue(lobby)
end

local function start_waiting(job, lobby, now)
  to_lobby(job, lobby, 'waiting', now)
  redis.call('ZADD', K.waiting, job.h_rank, job.id)
  for i, variant in ipairs(demand_of(job.h_demand)) do
    if variant.after == 0 then
      join_shape(job, shape_of(variant.shape), now)
    else
      set_timer('after|' .. i .. '|' .. job.id, now + variant.after)
    end
  end
end

local function leave_shape(job_id, shape, now)
  if redis.call('ZREM', K.shape .. shape.text, job_id) == 1 then
    refresh_head(shape, now)
  end
end

local function stop_waiting(job, now)
  redis.call('ZREM', K.waiting, job.id)
  for i, variant in ipairs(demand_of(job.h_demand)) do
    leave_shape(job.id, shape_of(variant.shape), now)
    if variant.after > 0 then
      drop_timer('after|' .. i .. '|' .. job.id)
    end
  end
  if option_of(job, 'unfit') then
    drop_timer('unfit|' .. job.id)
  end
  end_holds_of(job.h_rank, now)
end

-- A shape of which rq's tools canceled thousands is gone through in slices.
local MOST_DROPPED = 16

-- The head of a shape that still waits. Heads that rq's tools canceled or deleted meanwhile are dropped.
local function live_head(shape, lobby, now)
  for _ = 1, MOST_DROPPED do
    local head = redis.call('ZRANGE', K.shape .. shape.text, 0, 0, 'WITHSCORES')
    local id = head[1]
    if not id then
      return nil
    end
    local job = read_job(id)
    if job and job.status == 'deferred' and job.h_state == 'waiting'
      and tonumber(job.h_rank) == tonumber(head[2]) then
      return job
    end
    count_gone()
    if not job then
      -- Whoever deletes the hash alone leaves this.
      redis.call('ZREM', K.rq_deferred .. lobby, id)
      redis.call('ZREM', K.waiting, id)
      leave_shape(id, shape, now)
      end_holds_of(head[2], now)
    elseif tonumber(job.h_rank) ~= tonumber(head[2]) then
      -- Deleted, and submitted again under the same id: this is what is left of the one before.
      leave_shape(id, shape, now)
      end_holds_of(head[2], now)
      if tonumber(redis.call('ZSCORE', K.waiting, id) or nil) == tonumber(head[2]) then
        redis.call('ZREM', K.waiting, id)
      end
    else
      stop_waiting(job, now)
    end
  end
  return nil
end
