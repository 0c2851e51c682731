-- Housekeeping, a slice at a time: whatever becomes due by the clock alone, and whatever others left over.
--
-- Agents call it twice a second, and so do clients that wait: nothing depends on one process. A short lock lets one
-- caller at a time through.
--
-- KEYS     tick  delayed  waiting  timers  prune  lost  abandoned  nodes  shapes  sweep  callbacks  handed  holds  running
--          rq_queue  rq_queues  rq_job  rq_deferred  rq_channel  held  past  rq_finished  rq_failed  rq_canceled
-- ARGV     lobby         str
--          room          int   how many on_failure callbacks the caller can run
--          token         str   names this tick: asked again, it hands out the same callbacks
--          lost_text     str   exc_string of a function lost with its node
--          expired_text  str   of one that waited too long
--          unfit_text    str   of one that no node could hold
--          now_ms        int   0 = the server's clock, and the lock; tests give their own and take none
-- RETURNS  {'busy'}                       somebody else just did it
--          {'ticked', more, {field, ...}} more = 1: call again at once; per callback the job's hash
-- @include lib/claim
-- @include lib/farewell
-- @include lib/reconcile
-- @include lib/watch
-- @include lib/lapse

local FORGET_LOST_MS = 3600000
local REMEMBER_MS = 60000
local SLICE = 16

-- The callbacks handed out under this token, each as {job id, {field, value, ...}}.
local function handed_out()
  local callbacks = {}
  for _, id in ipairs(redis.call('LRANGE', K.handed .. token, 0, -1)) do
    local flat = redis.call('HGETALL', K.rq_job .. id)
    if #flat > 0 then
      callbacks[#callbacks + 1] = {id, flat}
    end
  end
  return callbacks
end

if redis.call('EXISTS', K.handed .. token) == 1 then
  return {'ticked', 0, handed_out()}
end
if now_ms == 0 and not redis.call('SET', K.tick, '1', 'NX', 'PX', 400) then
  return {'busy'}
end
local now = clock(now_ms)
lapse_leases(now)

local function end_delays()
  local due = redis.call('ZRANGEBYSCORE', K.delayed, '-inf', now, 'LIMIT', 0, SLICE)
  local jobs = {}
  for _, id in ipairs(due) do
    redis.call('ZREM', K.delayed, id)
    local job = read_job(id)
    if job and job.status == 'deferred' and job.h_state == 'delayed' then
      jobs[#jobs + 1] = job
    elseif not job then
      redis.call('ZREM', K.rq_deferred .. lobby, id)
    end
  end
  table.sort(jobs, before)
  for _, job in ipairs(jobs) do
    ready(job, lobby, now)
  end
  return #due == SLICE
end

local function is_waiting(job)
  return job.status == 'deferred' and job.h_state == 'waiting'
end

-- Behind another of its group, of which it is in no line.
local function is_parked(job)
  return job.status == 'deferred' and job.h_state == 'parked'
end

-- A function that will not be started any more: off wherever it stands.
local function give_up(job, error, message, body)
  if job.status == 'queued' then
    redis.call('LREM', K.rq_queue .. job.origin, 0, job.id)
    -- Put onto a queue by rq's own hands, it may have no node.
    local node = job.h_node and load_node(job.h_node)
    if node then
      give_back(node, reservation_of(job), 'expired', now)
      wake(node, lobby, now, 4)
    end
  else
    redis.call('ZREM', K.rq_deferred .. lobby, job.id)
    if is_waiting(job) then
      stop_waiting(job, now)
      count_gone()
    end
  end
  keep_for_callback(job)
  if fail_job(job, error, message, {'exc_string', body}, false, 1, lobby, now) == 'failed+callback' then
    redis.call('RPUSH', K.callbacks, job.id)
  end
end

-- Of a function that is gone.
local function forget_waiting(id)
  redis.call('ZREM', K.waiting, id)
  redis.call('ZREM', K.rq_deferred .. lobby, id)
end

-- What a deleted function left is told by what is there under its id now.
local on_time = {}

function on_time.after(number, id, job)
  local variant = job and is_waiting(job) and demand_of(job.h_demand)[tonumber(number)]
  if variant and variant.after > 0 then
    join_variant(job, tonumber(number), lobby, now)
  elseif not job then
    -- In no line, nobody would come upon it.
    forget_waiting(id)
  end
end

function on_time.expire(_, _, job)
  local wait_ms = job and option_of(job, 'wait')
  if wait_ms and (job.status == 'queued' or is_waiting(job) or is_parked(job)) then
    give_up(job, 'handoff.errors.WaitExpired', wait_ms, expired_text)
  end
end

function on_time.unfit(_, id, job)
  local unfit_ms = job and is_waiting(job) and option_of(job, 'unfit')
  if unfit_ms then
    local was_able = redis.call('HGET', K.rq_job .. id, 'h_unfit') ~= '1'
    if not look_at_fitness(job, tonumber(unfit_ms), now) and not was_able then
      give_up(job, 'handoff.errors.Infeasible', nearest_able(demand_of(job.h_demand)), unfit_text)
    end
  end
end

function on_time.run(_, run)
  stop_if_running(run, 'timeout', now)
end

function on_time.attached(_, run)
  stop_if_running(run, 'detached', now)
end

function on_time.load(_, run)
  drop_if_loading(run)
end

-- The agent ends what still runs there, and `finish` counts it as lost with the node.
function on_time.drain(_, name)
  local node = load_node(name)
  for _, id in ipairs(node and node.draining and redis.call('ZRANGE', K.running .. name, 0, -1) or {}) do
    local job_id, number = string.match(id, '^(.*):(%d+)$')
    local job = read_job(job_id)
    if job and job.h_placement == number and job.status == 'started' then
      set_job(job, 'h_evicted', number)
      redis.call('PUBLISH', K.rq_channel .. job.origin, '{"command": "stop-job", "job_id": "' .. job_id .. '"}')
    end
  end
end

local function end_timers()
  local due = redis.call('ZRANGEBYSCORE', K.timers, '-inf', now, 'WITHSCORES', 'LIMIT', 0, SLICE)
  local timers = {}
  for i = 1, #due, 2 do
    local what = due[i]
    local kind, rest = string.match(what, '^(%l+)|(.*)$')
    local number, id = string.match(rest, '^(%d+)|(.*)$')
    local job = kind ~= 'drain' and read_job(id or rest) or nil
    timers[#timers + 1] = {what = what, kind = kind, number = number, id = id or rest, at = tonumber(due[i + 1]),
      h_rank = job and job.h_rank}
  end
  table.sort(timers, function(one, other)
    return one.at < other.at or (one.at == other.at and before(one, other))
  end)
  for _, timer in ipairs(timers) do
    -- One of them may have taken the next away: a function has several.
    if redis.call('ZREM', K.timers, timer.what) == 1 then
      on_time[timer.kind](timer.number, timer.id, timer.kind ~= 'drain' and read_job(timer.id) or nil)
    end
  end
  return #due == 2 * SLICE
end

-- Whoever held a node and is gone by rq's own hands frees it.
local function sweep_holds()
  for _, name in ipairs(redis.call('ZRANGE', K.holds, 0, -1)) do
    local node = load_node(name)
    local rank, id = string.match(node.hold, '^(%d+)|([^|]*)|')
    local job = read_job(id)
    if not job or not is_waiting(job) or job.h_rank ~= rank then
      end_hold(node, now)
    end
  end
end

local function prune_registries()
  for _, key in ipairs(redis.call('ZRANGEBYSCORE', K.prune, '-inf', now, 'LIMIT', 0, 4)) do
    redis.call('ZREMRANGEBYSCORE', key, 0, math.floor(now / 1000))
    local first = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')[2]
    if first and tonumber(first) < math.huge then
      redis.call('ZADD', K.prune, (tonumber(first) + 1) * 1000, key)
    else
      redis.call('ZREM', K.prune, key)
    end
  end
end

local function forget_lost()
  for _, name in ipairs(redis.call('ZRANGEBYSCORE', K.lost, '-inf', now - FORGET_LOST_MS, 'LIMIT', 0, 4)) do
    if not redis.call('ZSCORE', K.abandoned, name) then
      remove_node(load_node(name), lobby, now)
    end
  end
end

-- -> whether it is empty now
local function adopt_queue(queue)
  for _ = 1, SLICE do
    local id = redis.call('LPOP', K.rq_queue .. queue)
    if not id then
      return true
    end
    local job = read_job(id)
    if job and job.status == 'queued' then
      adopt(job, lobby, now)
    end
  end
  return false
end

-- rq's tools push where nobody takes: onto the lobby, and onto queues of nodes that are gone. -> whether there is more
local function sweep_queues()
  local is_done = adopt_queue(lobby)
  local cursor = redis.call('HGET', K.sweep, 'queues') or '0'
  local scan = redis.call('SSCAN', K.rq_queues, cursor, 'COUNT', 64)
  local mine = K.rq_queue .. lobby .. '.'
  for _, key in ipairs(scan[2]) do
    if string.sub(key, 1, #mine) == mine then
      local name = string.sub(key, #mine + 1)
      local node = load_node(name)
      if not node or (node.state == 'lost' and not redis.call('ZSCORE', K.abandoned, name)) then
        local is_empty = adopt_queue(lobby .. '.' .. name)
        if is_empty and not node then
          redis.call('SREM', K.rq_queues, key)
        end
        is_done = is_done and is_empty
      end
    end
  end
  if is_done then
    redis.call('HSET', K.sweep, 'queues', scan[1])
  end
  return not is_done
end

-- rq's requeue pushes onto the queue where a function ended, without telling `queues`, though the node may be gone.
local function sweep_past()
  local rank = tonumber(redis.call('HGET', K.sweep, 'past') or 0)
  local name = redis.call('ZRANGE', K.past, rank, rank)[1]
  redis.call('HSET', K.sweep, 'past', name and rank + 1 or 0)
  if not name then
    return
  end
  local queue = lobby .. '.' .. name
  local known = load_node(name)
  local empty = not known and adopt_queue(queue)
  if known or (empty
    and redis.call('EXISTS', K.rq_finished .. queue, K.rq_failed .. queue, K.rq_canceled .. queue) == 0) then
    redis.call('ZREM', K.past, name)
  end
end

-- Nobody but the tick looks after what is reserved on a node without an agent.
local function sweep_static(name)
  local node = load_node(name)
  if not node or node.kind ~= 'static' or node.state ~= 'up' then
    return true
  end
  local page = redis.call('HSCAN', K.held .. name, redis.call('HGET', K.sweep, 'held') or '0', 'COUNT', SLICE)
  redis.call('HSET', K.sweep, 'held', page[1])
  local ids = {}
  for i = 1, #page[2], 2 do
    ids[#ids + 1] = page[2][i]
  end
  reconcile(node, ids, nil, lost_text, lobby, now)
  return page[1] == '0'
end

local function sweep_books()
  local rank = tonumber(redis.call('HGET', K.sweep, 'nodes') or 0)
  local name = redis.call('ZRANGE', K.nodes, rank, rank)[1]
  if not name then
    redis.call('HSET', K.sweep, 'nodes', 0)
  elseif sweep_static(name) then
    redis.call('HSET', K.sweep, 'nodes', rank + 1)
  end
  -- Drops heads that rq's tools canceled or deleted, also where nothing will ever start them.
  local first = redis.call('ZRANGE', K.waiting, 0, 0)[1]
  local job = first and read_job(first)
  if first and not job then
    forget_waiting(first)
  elseif first and not is_waiting(job) then
    redis.call('ZREM', K.waiting, first)
  end
  rank = tonumber(redis.call('HGET', K.sweep, 'shapes') or 0)
  local shape = redis.call('ZRANGE', K.shapes, rank, rank)[1]
  redis.call('HSET', K.sweep, 'shapes', shape and rank + 1 or 0)
  if shape then
    live_head(shape_of(shape), lobby, now)
  end
end

local more = end_claims(lobby, now)
more = end_timers() or more
more = end_delays() or more
more = consider_late(now) or more
sweep_holds()
sweep_runs(now)
more = settle(lost_text, lobby, now, 24) or more
more = sweep_queues() or more
prune_registries()
forget_lost()
sweep_past()
sweep_books()

while room > 0 do
  local id = redis.call('LPOP', K.callbacks)
  if not id then
    break
  end
  redis.call('RPUSH', K.handed .. token, id)
  redis.call('PEXPIRE', K.handed .. token, REMEMBER_MS)
  room = room - 1
end
if more then
  redis.call('DEL', K.tick)
end
return {'ticked', more and 1 or 0, handed_out()}
