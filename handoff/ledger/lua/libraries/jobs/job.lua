-- One function as the job hash of RQ, with our own fields beside RQ's (handoff.ledger.fields), which RQ ignores. Here
-- they go by the names that they have on that page: `job.demand`. It is read once a script, and written at its end: a
-- finish that starts the next function would write its hash five times.
--
-- KEYS     large  order  rq_job
-- STATE    jobs          {}  id -> the job
--          unsaved_jobs  {}  id -> {field of the hash, value, ...}, in their order
--          unset_jobs    {}  id -> {field, ...} of the hash, of those that are to be taken off
--          wholes        {}  id -> {{field, value, ...}, ...} of those that were read whole: what was read, and what was set since
--          last_order    nil  that this script has taken
--          owed_orders   0    how many of those are still to be counted
-- @finally save
-- @include jobs/soundness  rare  texts/number  texts/options  texts/reservation

local READ = {'status', 'origin', 'demand', 'rank', 'state', 'since', 'node', 'devices', 'variant', 'placement', 'attempts',
  'retries', 'options', 'cancel', 'evicted', 'token', 'result_ttl', 'failure_ttl', 'failure_callback_name', 'run', 'group',
  'base', 'reserved', 'shunned', 'deaths', 'code', 'takes', 'told', 'awaited', 'grown'}

local function stored(names)
  local fields = {}
  for i, name in ipairs(names) do
    fields[i] = F[name] or name
  end
  return fields
end

local STORED = stored(READ)

local function by_stored(names)
  local found = {}
  for _, name in ipairs(names) do
    found[F[name] or name] = name
  end
  return found
end

local OWN = by_stored(READ)

-- What a field is called in the hash.
function Job.stored_name(name)
  return F[name] or name
end

-- Among the fields of a hash, {name, value, ...}.
function Job.field_in(fields, name)
  local stored_as = F[name]
  for i = 1, #fields, 2 do
    if fields[i] == stored_as then
      return fields[i + 1]
    end
  end
end

function Job.is_there(id)
  return Call.jobs[id] ~= nil or redis.call('EXISTS', K.rq_job .. id) == 1
end

-- Its table is made with places for what most have: to grow it a place at a time takes as long as all else of reading one.
local function begun(id)
  return {id = id, status = nil, origin = nil, demand = nil, rank = nil, state = nil, since = nil, node = nil,
    devices = nil, placement = nil, attempts = nil, token = nil, result_ttl = nil, failure_ttl = nil, code = nil}
end

-- Of fields as they are called in the hash, each `step` behind the one before, and in the last place of that its value.
local function made_of(id, names, values, step)
  local job, own, judges, behind = begun(id), OWN, Soundness.JUDGES, step - 1
  for i = 1, #names, step do
    local name = own[names[i]]
    local value = name and values[i + behind]
    -- rq writes fields that it does not use as empty ones.
    if value and value ~= '' then
      local judge = judges[name]
      if judge and not judge(value) then
        value, job.bent = false, name
      end
      job[name] = value
    end
  end
  return job
end

local function keep(job)
  Soundness.look_at(job)
  job.rank = job.rank or Job.rank(0, 0)
  Call.jobs[job.id] = job
  return job
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
  return keep(made_of(id, STORED, values, 1))
end

-- Bytes of what it calls: of 2 MB a second a quarter of one, and to read 8 MB takes a while.
local MOST_DATA = 524288

-- All of a hash, {field, value, ...}, or nil where that is large; and whether it is a hash at all.
local function whole_of(id)
  local key = K.rq_job .. id
  -- Asked of each only where one was lately taken on that is large.
  if not Rare.is_absent(K.large) then
    local length = redis.pcall('HSTRLEN', key, 'data')
    if type(length) == 'table' or length > MOST_DATA then
      return nil, type(length) ~= 'table'
    end
  end
  local flat = redis.pcall('HGETALL', key)
  if flat.err then
    return nil, false
  end
  return flat, true
end

-- The same by reading all of its hash, if that is not large: where it is sent to its agent next, or none is large, for so
-- many fields are found faster by going over all of them.
function Job.read_whole(id, is_sent)
  local flat = (is_sent or Rare.is_absent(K.large)) and not Call.jobs[id] and whole_of(id)
  if not flat then
    return Job.read(id)
  end
  local job = made_of(id, flat, flat, 2)
  if not job.status and job.demand == nil then
    return nil
  end
  Call.wholes[id] = {flat}
  return keep(job)
end

-- All that stands in its hash, {{field, value, ...}, ...}, of which the last holds where there are two of one; nil where that is
-- large; and whether it is a hash at all.
function Job.whole(id)
  Job.flush(id)
  local whole = Call.wholes[id]
  if whole then
    return whole, true
  end
  local flat, is_there = whole_of(id)
  return flat and {flat}, is_there
end

-- For a day: whoever waits for longer is read whole, which takes a while.
local LARGE_MS = 86400000

local function note_large(fields)
  for i = 1, #fields, 2 do
    if fields[i] == 'data' then
      if #fields[i + 1] > MOST_DATA then
        redis.call('SET', Rare.write(K.large), '', 'PX', LARGE_MS)
      end
      return
    end
  end
end

-- One of which there is nothing yet. `fields`: of the hash, {name, value, ...}, with what the job says. -> the job
function Job.new(job, fields)
  note_large(fields)
  Call.jobs[job.id], Call.unsaved_jobs[job.id] = job, fields
  return job
end

-- Write what of it is not yet in its hash: for those who read that, or set how long it lives.
function Job.flush(id)
  local unsaved, unset = Call.unsaved_jobs[id], Call.unset_jobs[id]
  if unsaved then
    Call.unsaved_jobs[id] = nil
    redis.call('HSET', K.rq_job .. id, unpack(unsaved))
    local whole = Call.wholes[id]
    if whole then
      whole[#whole + 1] = unsaved
    end
  end
  if unset then
    Call.unset_jobs[id], Call.wholes[id] = nil, nil
    redis.call('HDEL', K.rq_job .. id, unpack(unset))
  end
end

function Job.save()
  if Call.owed_orders > 0 then
    redis.call('INCRBY', K.order, Call.owed_orders)
    Call.owed_orders = 0
  end
  for id in pairs(Call.unsaved_jobs) do
    Job.flush(id)
  end
  for id in pairs(Call.unset_jobs) do
    Job.flush(id)
  end
end

-- Delete its hash.
function Job.drop(id)
  Call.jobs[id], Call.unsaved_jobs[id], Call.unset_jobs[id], Call.wholes[id] = nil, nil, nil, nil
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

local function unsaved_of(id)
  if Call.unset_jobs[id] then
    Job.flush(id)
  end
  local unsaved = Call.unsaved_jobs[id]
  if not unsaved then
    -- With places for what a start writes, as above.
    unsaved = {nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil,
      nil, nil, nil, nil, nil, nil}
    Call.unsaved_jobs[id] = unsaved
  end
  return unsaved
end

-- `name, value, ...`
function Job.set(job, ...)
  local flat, unsaved, own = {...}, unsaved_of(job.id), F
  local behind = #unsaved
  for i = 1, #flat, 2 do
    local name, value = flat[i], flat[i + 1]
    job[name] = value
    unsaved[behind + i], unsaved[behind + i + 1] = own[name] or name, value
  end
end

function Job.unset(job, ...)
  Job.flush(job.id)
  for _, name in ipairs({...}) do
    job[name] = nil
  end
  Call.unset_jobs[job.id] = stored({...})
end

-- The same in the write of all else: an empty field counts as none.
function Job.blank(job, ...)
  local names, unsaved = {...}, unsaved_of(job.id)
  local behind = #unsaved
  for i = 1, #names do
    local name = names[i]
    job[name] = nil
    unsaved[behind + 2 * i - 1], unsaved[behind + 2 * i] = F[name] or name, ''
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

-- The priority that its rank says.
function Job.priority(job)
  return 1000 - math.floor(tonumber(job.rank) / 2 ^ 41)
end

-- Orders are below 2^41.
local MOST_ORDER = 2 ^ 41

-- The next so many. -> the last of them. Of those that a script takes one by one it counts the first at once, and all others
-- at its end. Where the count was written over it goes on behind all that it can have come to.
function Job.next_orders(count)
  if Call.last_order and Call.last_order + count < MOST_ORDER then
    Call.last_order, Call.owed_orders = Call.last_order + count, Call.owed_orders + count
    return Call.last_order
  end
  local last = redis.pcall('INCRBY', K.order, count)
  if type(last) == 'table' or last < count or last >= MOST_ORDER then
    last = Call.wall + count
    redis.call('SET', K.order, Number.text(last))
  end
  Call.last_order = last
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
