-- One function as the job hash of RQ, with our own fields beside RQ's (handoff.ledger.fields), which RQ ignores. Here
-- they go by the names that they have on that page: `job.demand`. It is read once a script, and written at its end: a
-- finish that starts the next function would write its hash five times.
--
-- KEYS     order  rq_job
-- STATE    jobs          {}  id -> the job
--          new_jobs      {}  id -> fields of the hash, {name, value, ...}, of those of which there is nothing yet
--          unsaved_jobs  {}  id -> {field of the hash -> its value, or false: none}
-- @finally save
-- @include texts/cost  texts/demand  texts/number  texts/options  texts/reservation  texts/resource
-- @include texts/run_id  texts/terms

local READ = {'status', 'origin', 'demand', 'rank', 'state', 'since', 'node', 'devices', 'variant', 'placement', 'attempts',
  'retries', 'options', 'cancel', 'evicted', 'token', 'result_ttl', 'failure_ttl', 'failure_callback_name', 'run', 'group',
  'base', 'reserved', 'shunned', 'deaths', 'code', 'takes'}

local STATUSES = {created = true, queued = true, started = true, deferred = true, scheduled = true, finished = true,
  failed = true, stopped = true, canceled = true}

local STATES = {deferred = true, waiting = true, delayed = true, parked = true}

local COUNTS = {'since', 'variant', 'placement', 'attempts', 'retries', 'evicted', 'group'}

local MOST = {attempts = 10 ^ 9, retries = 10 ^ 9}

local DEMANDS = {'demand', 'base'}

-- Ranks are below 2^52.
local MOST_RANK = 2 ^ 52 - 1

local function drop(job, name)
  job[name], job.bent = nil, name
end

-- What others wrote over what scripts count with, or look others up by, counts as absent, and `bent` names it; so does what
-- has to be there. No operation ends because of it: it ends the function (jobs/bent).
local function drop_bent(job)
  for i = 1, #COUNTS do
    local name = COUNTS[i]
    if job[name] and not Number.whole(job[name], 0, MOST[name]) then
      drop(job, name)
    end
  end
  for _, name in ipairs(DEMANDS) do
    if job[name] and not Demand.is_sound(job[name]) then
      drop(job, name)
    end
  end
  if job.rank and not Number.whole(job.rank, 0, MOST_RANK) then
    drop(job, 'rank')
  end
  if job.state and not STATES[job.state] then
    drop(job, 'state')
  end
  if job.node and not Terms.is_node_name(job.node) then
    drop(job, 'node')
  end
  if job.options and not Options.is_sound(job.options) then
    drop(job, 'options')
  end
  if not job.status or not STATUSES[job.status] then
    job.status, job.bent = 'created', 'status'
  end
  if not job.origin then
    job.origin, job.bent = Call.lobby, 'origin'
  end
end

-- What fields say of each other.
local function look_at(job)
  drop_bent(job)
  if job.run and job.run ~= RunId.parts(job.id) then
    job.run, job.bent = RunId.parts(job.id), 'run'
  end
  if job.group and not (job.base and job.run) then
    drop(job, 'group')
  end
  if job.reserved and not (job.reserved == '1' and job.run) then
    drop(job, 'reserved')
  end
  -- Neither is there in what came by rq's own hands.
  job.is_foreign = not job.demand and not job.rank and not job.bent
  if not job.is_foreign and not (job.demand and job.rank) then
    job.bent = job.bent or (job.demand and 'rank' or 'demand')
  end
  job.rank = job.rank or Job.rank(0, 0)
  job.demand = job.demand or Cost.write({{Resource.SLOTS, Resource.UNIT}})
  if job.status == 'deferred' and not job.state and not job.is_foreign then
    job.bent = job.bent or 'state'
  end
  if job.status == 'started' and not job.placement then
    job.bent = 'placement'
  end
  if job.variant and not Demand.read(job.demand)[tonumber(job.variant) + 1] then
    drop(job, 'variant')
  end
end

local function stored(names)
  local fields = {}
  for i, name in ipairs(names) do
    fields[i] = F[name] or name
  end
  return fields
end

local STORED = stored(READ)

-- What a field is called in the hash.
function Job.stored_name(name)
  return F[name] or name
end

function Job.is_there(id)
  return Call.jobs[id] ~= nil or redis.call('EXISTS', K.rq_job .. id) == 1
end

-- nil where there is no such job: it expired, or rq deleted it.
function Job.read(id)
  if Call.jobs[id] then
    return Call.jobs[id]
  end
  -- What is no hash at all is nothing of ours.
  local values = redis.pcall('HMGET', K.rq_job .. id, unpack(STORED))
  if values.err or (not values[1] and not values[3]) then
    return nil
  end
  local job = {id = id}
  for i = 1, #READ do
    local value = values[i]
    -- rq writes fields that it does not use as empty ones.
    if value and value ~= '' then
      job[READ[i]] = value
    end
  end
  look_at(job)
  Call.jobs[id] = job
  return job
end

-- One of which there is nothing yet. `fields`: of the hash, {name, value, ...}
function Job.new(id, fields)
  local job = {id = id, status = 'created'}
  Call.jobs[id], Call.new_jobs[id], Call.unsaved_jobs[id] = job, fields, {}
  return job
end

local function unsaved_of(id)
  local unsaved = Call.unsaved_jobs[id]
  if not unsaved then
    unsaved = {}
    Call.unsaved_jobs[id] = unsaved
  end
  return unsaved
end

-- Write what of it is not yet in its hash: for those who read that, or set how long it lives.
function Job.flush(id)
  local unsaved = Call.unsaved_jobs[id]
  if not unsaved then
    return
  end
  local set, gone = Call.new_jobs[id] or {}, {}
  local size = #set
  for field, value in pairs(unsaved) do
    if value then
      set[size + 1], set[size + 2] = field, value
      size = size + 2
    else
      gone[#gone + 1] = field
    end
  end
  Call.unsaved_jobs[id], Call.new_jobs[id] = nil, nil
  if size > 0 then
    redis.call('HSET', K.rq_job .. id, unpack(set))
  end
  if gone[1] then
    redis.call('HDEL', K.rq_job .. id, unpack(gone))
  end
end

function Job.save()
  for id in pairs(Call.unsaved_jobs) do
    Job.flush(id)
  end
end

-- Delete its hash.
function Job.drop(id)
  Call.jobs[id], Call.unsaved_jobs[id], Call.new_jobs[id] = nil, nil, nil
  redis.call('DEL', K.rq_job .. id)
end

-- -> the value of each of these fields, false where there is none
function Job.get(id, ...)
  Job.flush(id)
  local values = redis.pcall('HMGET', K.rq_job .. id, unpack(stored({...})))
  if values.err then
    return false
  end
  return unpack(values)
end

-- `name, value, ...`
function Job.set(job, ...)
  local flat, unsaved = {...}, unsaved_of(job.id)
  for i = 1, #flat, 2 do
    local name, value = flat[i], flat[i + 1]
    job[name], unsaved[F[name] or name] = value, value
  end
end

function Job.unset(job, ...)
  local unsaved = unsaved_of(job.id)
  for _, name in ipairs({...}) do
    job[name], unsaved[F[name] or name] = nil, false
  end
end

-- The id of the reservation of its last placement.
function Job.reservation(job)
  return Reservation.id(job.id, job.placement or 0)
end

function Job.is_waiting(job)
  return job.status == 'deferred' and job.state == 'waiting'
end

function Job.option(job, name)
  return job.options and Options.get(job.options, name)
end

-- By rank, for table.sort; what has none yet comes last.
function Job.before(one, other)
  return tonumber(one.rank or math.huge) < tonumber(other.rank or math.huge)
end

local function rank_of(priority, order)
  return Number.text((1000 - priority) * 2 ^ 41 + order)
end

-- Orders are below 2^41.
local MOST_ORDER = 2 ^ 41

-- The next so many. -> the last of them. Where the count was written over it goes on behind all that it can have come to.
function Job.next_orders(count)
  local last = redis.pcall('INCRBY', K.order, count)
  if type(last) == 'table' or last < count or last >= MOST_ORDER then
    last = Call.wall + count
    redis.call('SET', K.order, Number.text(last))
  end
  return last
end

-- Larger priorities first, then first come, first served: both in one exact double.
function Job.next_rank(priority)
  return rank_of(priority, Job.next_orders(1))
end

-- The same of one for which an order was taken before.
function Job.rank(priority, order)
  return rank_of(priority, order)
end

-- A number that no placement had before. With the id of the job it names a reservation, and is never given twice: of a job
-- that rq deleted, a reservation may be left when another of the same id comes.
function Job.next_placement()
  return Number.text(Job.next_orders(1))
end
