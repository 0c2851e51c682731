-- What waits for room: in `waiting` by rank, and in the line of each of its shapes. A function that would take one of
-- several shapes stands in each of them; started by one it leaves all.
--
-- KEYS     waiting
-- @include jobs/bent  jobs/job  jobs/lobby  nodes/holds  texts/demand  texts/shape  texts/timer  time/timers
-- @include waiting/counters  waiting/firsts  waiting/lines  writes

function Waiting.begin(job)
  Lobby.put(job, 'waiting')
  Firsts.put(K.waiting, job.id, job.rank)
  local demand = Demand.read(job.demand)
  for i = 1, #demand do
    local variant = demand[i]
    if variant.after == 0 then
      Lines.join(job, Shape.read(variant.shape))
    else
      Timers.set(Timer.after(i, job.id), Call.now + variant.after)
    end
  end
end

function Waiting.stop(job)
  Firsts.take_off(K.waiting, job.id)
  local demand = Demand.read(job.demand)
  for i = 1, #demand do
    local variant = demand[i]
    Lines.leave(job.id, Shape.read(variant.shape))
    if variant.after > 0 then
      Timers.drop(Timer.after(i, job.id))
    end
  end
  if Job.option(job, 'unfit') then
    Timers.drop(Timer.of('unfit', job.id))
  end
  Holds.lift_of(job.rank)
end

-- Of a function that is gone.
function Waiting.forget(job_id)
  Firsts.take_off(K.waiting, job_id)
  Lobby.leave(job_id)
end

-- One entry of a line. -> the function if it still waits; what rq's tools canceled or deleted meanwhile is dropped
local function live(shape, id, rank, is_sent)
  local job = is_sent and Job.read_whole(id, true) or Job.read(id)
  local is_same = job and not job.bent and (job.rank == rank or job.rank + 0 == rank + 0)
  if is_same and Job.is_waiting(job) then
    return job
  end
  if job then
    Bent.ends(job)
  end
  Counters.count_gone()
  if not job then
    -- Whoever deletes the hash alone leaves this.
    Waiting.forget(id)
    Lines.leave(id, shape)
    Holds.lift_of(rank)
  elseif not is_same then
    -- Deleted, and submitted again under the same id: this is what is left of the one before.
    Lines.leave(id, shape)
    Holds.lift_of(rank)
    if tonumber(redis.call('ZSCORE', Writes.settle(K.waiting), id) or nil) == tonumber(rank) then
      Firsts.take_off(K.waiting, id)
    end
  else
    Waiting.stop(job)
    -- Where what it asks for was written over, this line is none that it names.
    Lines.leave(id, shape)
  end
  return nil
end

-- A shape of which rq's tools canceled thousands is gone through in slices.
local MOST_DROPPED = 16

-- The head of a shape that still waits. `is_sent`: to the agent that calls, if it starts there.
function Waiting.live_head(shape, is_sent)
  for _ = 1, MOST_DROPPED do
    local id, rank = Lines.head(shape)
    if not id then
      return nil
    end
    local job = live(shape, id, rank, is_sent)
    if job then
      return job
    end
  end
  return nil
end

-- A page of a line, from a place on. -> how many entries were looked at, and how many of them still wait
function Waiting.live_page(shape, from, count)
  local page, kept = Lines.page(shape, from, count), 0
  for i = 1, #page, 2 do
    kept = kept + (live(shape, page[i], page[i + 1]) and 1 or 0)
  end
  return #page / 2, kept
end
