-- One function as the job hash of RQ, with our own fields beside RQ's (RQ ignores what it does not know):
-- `h_demand` (what it asks for, in order of preference), `h_rank` (priority, then order), `h_token` (the submit that
-- made it), `h_function` (the user's id), `h_state` (waiting, delayed: finer than RQ's `deferred`), `h_since` (when it
-- began to wait, ms), `h_node`, `h_devices`, `h_variant` (which of its demand it was placed with, from 0; absent = 0),
-- `h_placement` (the number of its last placement: with the job id it names the reservation), `h_attempts` (starts),
-- `h_retries`, `h_options` (what few functions have, `unfit=60000;wait=5000;strategy=load_balanced`), `h_cancel` (the
-- call that canceled it while it ran), `h_evicted` (the placement that was stopped because its node is drained),
-- `h_unfit` (1 = no node could hold it when that was looked at last), `h_error` and `h_message` (of its failure; or why
-- it was canceled). Of a run: `h_run`, `h_takes` (numbers of those whose results it needs, `*` = too many to be sent
-- along), `h_inputs` and `h_forms` (for its child), `h_group` and `h_base` (collocated: what it asks for but for the
-- node), `h_reserved` (1 = it holds a reservation before it is ready), `h_culprit` (whose failure canceled it), `h_bulk` (1 = its result is large); its
-- finer states are also deferred (its dependencies have not ended) and parked (another of its group chooses the node).
--
-- KEYS     rq_job  order
-- @include lib/clock

local FIELDS = {'status', 'origin', 'h_demand', 'h_rank', 'h_state', 'h_since', 'h_node', 'h_devices', 'h_variant',
  'h_placement', 'h_attempts', 'h_retries', 'h_options', 'h_cancel', 'h_evicted', 'h_token', 'result_ttl',
  'failure_ttl', 'failure_callback_name', 'h_run', 'h_group', 'h_base', 'h_reserved'}

-- nil where there is no such job: it expired, or rq deleted it.
local function read_job(id)
  local values = redis.call('HMGET', K.rq_job .. id, unpack(FIELDS))
  if not values[1] then
    return nil
  end
  local job = {id = id}
  for i, field in ipairs(FIELDS) do
    -- rq writes fields that it does not use as empty ones.
    job[field] = values[i] and values[i] ~= '' and values[i] or nil
  end
  return job
end

local function set_job(job, ...)
  local pairs_ = {...}
  for i = 1, #pairs_, 2 do
    job[pairs_[i]] = pairs_[i + 1]
  end
  redis.call('HSET', K.rq_job .. job.id, ...)
end

local function unset_job(job, ...)
  for _, field in ipairs({...}) do
    job[field] = nil
  end
  redis.call('HDEL', K.rq_job .. job.id, ...)
end

local function reservation_of(job)
  return job.id .. ':' .. (job.h_placement or 0)
end

-- Jobs of other queues are not ours, though RQ knows no namespaces.
local function is_ours(job, lobby)
  return job.origin == lobby or string.sub(job.origin or '', 1, #lobby + 1) == lobby .. '.'
end

local function option_of(job, name)
  return job.h_options and string.match(';' .. job.h_options .. ';', ';' .. name .. '=([^;]*);')
end

-- By rank, for table.sort; what has none yet comes last.
local function before(one, other)
  return tonumber(one.h_rank or math.huge) < tonumber(other.h_rank or math.huge)
end

-- Larger priorities first, then first come, first served: both in one exact double.
local function next_rank(priority)
  return text((1000 - priority) * 2 ^ 41 + redis.call('INCR', K.order))
end
