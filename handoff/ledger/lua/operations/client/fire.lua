-- Submit what recurs, once for each moment: whoever comes second finds another one due.
--
-- By hand, where none is due, it is known by its token: asked again it answers as the function stands.
--
-- KEYS     schedule  schedules
-- ARGV     name      str
--          version   str   of what was read: another may stand there by now
--          due       str   the moment that the caller has seen due; '' = by hand, whatever is due
--          upcoming  int   the moment after what has passed
--          passed    int   how many have passed
--          is_run    int   1 = submit it
--          job_id    str
--          moment    int   what it is submitted for
--          token     str   names this call
--          demand    str   as of `submit`, and so on
--          options   str
--          priority  int
--          delay_ms  int
--          fields    list
-- RETURNS  {'fired', reply}  what submit answers
--          {'skipped'}       the one before has not ended, or it is not to be run, or was for this moment
--          {'stale'}         somebody else was first, or it is gone
-- @include jobs/job  jobs/statuses  jobs/submitting  jobs/words  texts/number

local function was_submitted()
  local job = Job.read(job_id)
  return (job and job.token or Words.read(job_id)) == token
end

local key = K.schedule .. name
local is_repeated = due == '' and was_submitted()
local known = redis.call('HMGET', key, 'version', 'due', 'last', 'overlap', 'paused')
if not is_repeated and (known[1] ~= version or (due ~= '' and (known[2] ~= due or known[5]))) then
  return {'stale'}
end

local function runs_still(id)
  local job = id and Job.read(id)
  return job and not Statuses.ENDED[job.status]
end

local kind = {token = token, replace = 0, demand = demand, options = options, priority = priority, preferred = '',
  refuse = 0, delay_ms = delay_ms, due_ms = 0, fields = {unpack(ARGV, fields_first)}}
local one = {id = job_id, kind = kind, fields = kind.fields}
Submitting.check({kind}, {one})

local is_left_out = due ~= '' and known[4] == 'skip' and runs_still(known[3])
if due ~= '' then
  redis.call('HSET', key, 'due', Number.text(upcoming))
  redis.call('ZADD', K.schedules, Number.text(upcoming), name)
  redis.call('HINCRBY', key, 'passed', passed)
end
if is_run == 0 or is_left_out then
  redis.call('HINCRBY', key, 'skipped', 1)
  return {'skipped'}
end
local reply = Submitting.alone(one)
if reply[1] == 'duplicate' then
  return {'skipped'}
end
if not is_repeated then
  redis.call('HINCRBY', key, 'runs', 1)
  redis.call('HSET', key, 'last', job_id, 'moment', Number.text(moment))
end
return {'fired', reply}
