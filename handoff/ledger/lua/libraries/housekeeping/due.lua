-- What becomes due by the clock: delays that end, and timers (texts/timer); a slice of each at a time.
--
-- KEYS     delayed  renewed  running  timers
-- @include jobs/admit  jobs/bent  jobs/cancel  jobs/commands  jobs/exc_string  jobs/failing  jobs/fitness  jobs/job  jobs/lobby
-- @include housekeeping/unknown  nodes/feasible  nodes/node  runs/run_sweep  texts/demand  texts/number  texts/reservation  texts/timer  time/timers
-- @include waiting/waiting  waiting/wake

local SLICE = 16

-- Of what runs on a node at the deadline of its drain; some 20 us each.
local EVICTED = 32

-- While the ledger's time is ahead of the clock, dates are looked at again this often: it may be set right.
local LOOK_AGAIN_MS = 60000

-- A function that will not be started any more: off wherever it stands.
local function give_up(job, error, message, exc_string)
  local node = Cancel.take_off(job, 'expired')
  if node then
    Wake.node(node, 4)
  end
  Failing.without_agent(job, error, message, exc_string, false)
end

-- Behind another of its group, of which it is in no line.
local function is_parked(job)
  return job.status == 'deferred' and job.state == 'parked'
end

-- What is done by the kinds of timers: with the name that it is about, and the number of a variant. What a deleted
-- function left is told by what is there under its id now. -> whether there is more to do of it
local on_time = {}

function on_time.after(id, number)
  local job = Job.read(id)
  local variant = job and Job.is_waiting(job) and Demand.read(job.demand)[number]
  if variant and variant.after > 0 then
    Admit.join_variant(job, number)
  elseif not job then
    -- In no line, nobody would come upon it.
    Waiting.forget(id)
  end
end

function on_time.expire(id)
  local job = Job.read(id)
  local wait_ms = job and Job.option(job, 'wait')
  if wait_ms and (job.status == 'queued' or Job.is_waiting(job) or is_parked(job)) then
    give_up(job, 'handoff.errors.WaitExpired', wait_ms, ExcString.EXPIRED)
  end
end

function on_time.unfit(id)
  local job = Job.read(id)
  local unfit_ms = job and Job.is_waiting(job) and Job.option(job, 'unfit')
  if unfit_ms then
    local is_able, was_able = Fitness.look(job, tonumber(unfit_ms))
    if not is_able and not was_able then
      give_up(job, 'handoff.errors.Infeasible', Feasible.nearest(Demand.read(job.demand)), ExcString.UNFIT)
    end
  end
end

function on_time.run(run)
  RunSweep.stop_if_running(run, 'timeout')
end

function on_time.attached(run)
  RunSweep.stop_if_running(run, 'detached')
end

function on_time.load(run)
  RunSweep.drop_if_loading(run)
end

-- The agent ends what still runs there, and `finish` counts it as lost with the node. From the last on, some at a time: what
-- ends meanwhile moves nothing there that is still to be looked at.
function on_time.drain(name)
  local node = Node.load(name)
  local left = node and node.draining and redis.call('ZCARD', K.running .. name) or 0
  left = math.min(left, node and tonumber(node.evicting) or left)
  for _, id in ipairs(left > 0 and redis.call('ZRANGE', K.running .. name, math.max(0, left - EVICTED), left - 1) or {}) do
    local job_id, placement = Reservation.parts(id)
    local job = Job.read(job_id)
    if job and job.placement == placement and job.status == 'started' then
      Job.set(job, 'evicted', placement)
      Commands.stop(job)
    end
  end
  local has_more = left > EVICTED
  if has_more then
    Timers.set(Timer.of('drain', name), Call.now)
  end
  if has_more or node and node.evicting then
    Node.set_field(node, 'evicting', has_more and Number.text(left - EVICTED) or nil)
  end
  return has_more
end

function Due.knows(timer)
  return on_time[Timer.read(timer)] ~= nil
end

-- Timers that are due at one moment go by the ranks of their functions, and those of one function by kind and by what it
-- prefers. No two are alike: table.sort would put such either way, as it depends on the others.
local function is_first(one, other)
  if one.at ~= other.at then
    return one.at < other.at
  elseif one.rank ~= other.rank then
    return Job.before(one, other)
  elseif one.kind ~= other.kind then
    return one.kind < other.kind
  elseif one.number ~= other.number then
    return one.number < other.number
  end
  return one.text < other.text
end

local function due_timers(key, now)
  local due, timers = redis.call('ZRANGEBYSCORE', key, '-inf', now, 'WITHSCORES', 'LIMIT', 0, SLICE), {}
  for i = 1, #due, 2 do
    local kind, name, number = Timer.read(due[i])
    timers[#timers + 1] = {text = due[i], kind = kind or '', name = name, number = number or 0, at = tonumber(due[i + 1]),
      rank = Number.whole(Job.get(name or '', 'rank'))}
  end
  table.sort(timers, is_first)
  return timers
end

-- -> whether there may be more
function Due.end_timers()
  local timers, renewed = due_timers(K.timers, Call.now), due_timers(K.renewed, Call.uptime)
  local more = #timers == SLICE or #renewed == SLICE
  for _, timer in ipairs(timers) do
    if not on_time[timer.kind] then
      Unknown.set_behind(K.timers, timer.text, timer.at)
    -- One of them may have taken the next away: a function has several.
    elseif Timers.drop(timer.text) then
      more = on_time[timer.kind](timer.name, timer.number) or more
    end
  end
  for _, timer in ipairs(renewed) do
    if not on_time[timer.kind] then
      Unknown.set_behind(K.renewed, timer.text, timer.at)
    elseif Timers.let_go(timer.text) then
      on_time[timer.kind](timer.name, timer.number)
    end
  end
  return more
end

-- How long it is until the date before which a function is not to start at first.
local function ms_to_date(job)
  local date = tonumber(job.attempts or 0) == 0 and Job.option(job, 'due')
  return date and tonumber(date) - Call.wall or 0
end

-- -> whether there may be more
function Due.end_delays()
  local due, jobs = redis.call('ZRANGEBYSCORE', K.delayed, '-inf', Call.now, 'LIMIT', 0, SLICE), {}
  for _, id in ipairs(due) do
    redis.call('ZREM', K.delayed, id)
    local job = Job.read(id)
    if job and job.status == 'deferred' and job.state == 'delayed' then
      local left_ms = ms_to_date(job)
      if left_ms > 0 then
        redis.call('ZADD', K.delayed, Number.text(Call.now + math.min(left_ms, LOOK_AGAIN_MS)), id)
      else
        jobs[#jobs + 1] = job
      end
    elseif not job or Bent.ends(job) then
      Lobby.leave(id)
    end
  end
  table.sort(jobs, Job.before)
  for _, job in ipairs(jobs) do
    Admit.ready(job)
  end
  return #due == SLICE
end
