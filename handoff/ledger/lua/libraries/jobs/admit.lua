-- A function that is ready: placed on a node, or set to wait.
--
-- KEYS     delayed
-- @include jobs/bent  jobs/fitness  jobs/job  jobs/lobby  jobs/placing  nodes/find  nodes/fit  nodes/node  nodes/reservations
-- @include runs/groups  texts/demand  texts/number  texts/shape  texts/timer  time/events  time/timers  waiting/lines
-- @include waiting/waiting

-- There is no room for it, as was seen of it, or of one before it that asks for the same.
function Admit.behind(job)
  Waiting.begin(job)
  Fitness.watch(job)
  Events.emit('waiting', 'job', job.id, 'demand', job.demand)
end

-- -> the node it was placed on, or nil: it waits. `preferred` is tried first; `grown`: see Find.node.
function Admit.job(job, preferred, grown)
  if Bent.ends(job) then
    return nil
  end
  if job.group and not Groups.join(job) then
    Lobby.put(job, 'parked')
    Events.emit('parked', 'job', job.id)
    return nil
  end
  local demand, rank = Demand.read(job.demand), job.rank + 0
  for i = 1, #demand do
    local variant = demand[i]
    local shape = Shape.read(variant.shape)
    if variant.after == 0 and Find.may_fit(shape, rank, grown) then
      local node = preferred and preferred ~= '' and Node.load(preferred)
      node = node and node.name ~= job.shunned and Fit.now(node, shape, rank) and node
        or Placing.find(job, shape, rank, grown)
      if node then
        Placing.on(job, node, i)
        return node
      end
    end
  end
  Admit.behind(job)
  return nil
end

-- One of its variants has been waited for long enough: it is tried, and waits beside the others.
function Admit.join_variant(job, number)
  local shape, rank = Shape.read(Demand.read(job.demand)[number].shape), tonumber(job.rank)
  local node = Find.may_fit(shape, rank) and Placing.find(job, shape, rank)
  if node then
    Waiting.stop(job)
    Placing.on(job, node, number)
  else
    Lines.join(job, shape)
  end
end

-- A run that reserves whole has reserved for it; unless the node was lost meanwhile, or takes nothing.
local function serve_reserved(job)
  local id, node = Job.reservation(job), job.node and Node.load(job.node)
  Job.unset(job, 'reserved')
  if not node or not Reservations.has(node.name, id) then
    return false
  end
  if not Node.is_open(node) then
    Reservations.give_back(node, id, 'moved')
    return false
  end
  Placing.enqueue(node, job, Shape.read(Demand.read(job.demand)[tonumber(job.variant or 0) + 1].shape))
  return true
end

-- What was submitted, or was delayed, may wait from now on. Only before its first start is the time limited.
function Admit.ready(job, preferred, grown)
  local wait_ms = Job.option(job, 'wait')
  if wait_ms and tonumber(job.attempts or 0) == 0 then
    Timers.set(Timer.of('expire', job.id), Call.now + tonumber(wait_ms))
  end
  if not job.reserved or not serve_reserved(job) then
    Admit.job(job, preferred or Job.option(job, 'prefer'), grown)
  end
end

-- Not before a date, by the clock that people see, nor before a delay is over.
function Admit.in_time(job, date, delay_ms, preferred, grown)
  if date > Call.wall or delay_ms > 0 then
    Admit.later(job, math.max(date, Call.now + delay_ms))
  else
    Admit.ready(job, preferred, grown)
  end
end

function Admit.later(job, due)
  Lobby.put(job, 'delayed')
  redis.call('ZADD', K.delayed, due, job.id)
  Events.emit('delayed', 'job', job.id, 'until_ms', Number.text(due))
end
