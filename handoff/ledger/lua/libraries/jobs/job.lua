-- One function as the job hash of RQ, with our own fields beside RQ's (handoff.ledger.fields), which RQ ignores. Here
-- they go by the names that they have on that page: `job.demand`.
--
-- KEYS     order  rq_job
-- @include texts/number  texts/options  texts/reservation

local READ = {'status', 'origin', 'demand', 'rank', 'state', 'since', 'node', 'devices', 'variant', 'placement', 'attempts',
  'retries', 'options', 'cancel', 'evicted', 'token', 'result_ttl', 'failure_ttl', 'failure_callback_name', 'run', 'group',
  'base', 'reserved', 'shunned'}

local function stored(names)
  local fields = {}
  for i, name in ipairs(names) do
    fields[i] = F[name] or name
  end
  return fields
end

local STORED = stored(READ)

-- nil where there is no such job: it expired, or rq deleted it.
function Job.read(id)
  local values = redis.call('HMGET', K.rq_job .. id, unpack(STORED))
  if not values[1] then
    return nil
  end
  local job = {id = id}
  for i, name in ipairs(READ) do
    -- rq writes fields that it does not use as empty ones.
    job[name] = values[i] and values[i] ~= '' and values[i] or nil
  end
  return job
end

-- -> the value of each of these fields, false where there is none
function Job.get(id, ...)
  return unpack(redis.call('HMGET', K.rq_job .. id, unpack(stored({...}))))
end

-- `name, value, ...`
function Job.set(job, ...)
  local flat = {...}
  for i = 1, #flat, 2 do
    local name = flat[i]
    job[name], flat[i] = flat[i + 1], F[name] or name
  end
  redis.call('HSET', K.rq_job .. job.id, unpack(flat))
end

function Job.unset(job, ...)
  local names = {...}
  for _, name in ipairs(names) do
    job[name] = nil
  end
  redis.call('HDEL', K.rq_job .. job.id, unpack(stored(names)))
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

-- Larger priorities first, then first come, first served: both in one exact double.
function Job.next_rank(priority)
  return rank_of(priority, redis.call('INCR', K.order))
end

-- The same of one for which an order was taken before.
function Job.rank(priority, order)
  return rank_of(priority, order)
end

-- A number that no placement had before. With the id of the job it names a reservation, and is never given twice: of a job
-- that rq deleted, a reservation may be left when another of the same id comes.
function Job.next_placement()
  return Number.text(redis.call('INCR', K.order))
end
