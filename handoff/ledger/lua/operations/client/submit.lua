-- Take on one function: write its job, then place it, or let it wait.
--
-- All in one round trip. Asked again with the same token (the reply was lost) it answers as the function stands,
-- and changes nothing.
--
-- KEYS     delayed
-- ARGV     job_id     str
--          token      str   names this submit
--          demand     str   its shapes in order of preference: texts/demand
--          options    str   what few have: texts/options
--          priority   int
--          preferred  str   a node to try first, or ''
--          refuse     int   1 = write nothing where no live node could hold it
--          delay_ms   int   0 = none
--          due_ms     int   not before, by the server's clock; 0 = at once
--          fields     list  of the job's hash: name, value, ...
-- RETURNS  {'placed', node, devices}
--          {'waiting', nodes}       how many live nodes could hold it when idle
--          {'infeasible', nearest}  none could: texts/shortfall
--          {'refused', nearest}     the same, and nothing was written
--          {'delayed', until_ms}
--          {'duplicate'}            the id is taken; nothing was written
-- @include settle  jobs/admit  jobs/job  jobs/words  nodes/feasible  nodes/lapse  texts/demand  time/clock
-- @include time/events
-- @include arguments  texts/options  texts/reservation

-- A thousand years.
local LONGEST_MS = 4 * 10 ^ 13

local MOST_PRIORITY = 1000

Arguments.check('job_id', Reservation.is_job_id(job_id))
Arguments.check('demand', Demand.is_sound(demand))
Arguments.check('options', Options.is_sound(options))
Arguments.check('priority', math.abs(priority) <= MOST_PRIORITY)
Arguments.check('delay_ms', delay_ms <= LONGEST_MS and due_ms <= LONGEST_MS)
Arguments.check('fields', (#ARGV - fields_first + 1) % 2 == 0)

local known = Job.is_there(job_id) and Job.read(job_id)
if known and known.token ~= token then
  return {'duplicate'}
end

local job = known
if not known then
  local submitted, _, node, devices = Words.read(job_id)
  if submitted == token then
    return {'placed', node, devices}
  end
  Lapse.leases()
  Settle.go_on(4)
  if refuse == 1 then
    local count, nearest = Feasible.judge(Demand.read(demand))
    if count == 0 then
      return {'refused', nearest}
    end
  end
  Clock.note()
  job = Job.new(job_id, {unpack(ARGV, fields_first)})
  Job.set(job, 'demand', demand, 'rank', Job.next_rank(priority), 'token', token)
  if options ~= '' then
    Job.set(job, 'options', options)
  end
  Admit.in_time(job, due_ms, delay_ms, preferred)
end

if job.status ~= 'deferred' then
  return {'placed', job.node or '', job.devices or ''}
end
if job.state == 'delayed' then
  return {'delayed', tonumber(redis.call('ZSCORE', K.delayed, job_id))}
end
local count, nearest = Feasible.judge(Demand.read(job.demand))
if count > 0 then
  return {'waiting', count}
end
if not known then
  Events.emit('infeasible', 'job', job_id, 'demand', job.demand)
end
return {'infeasible', nearest}
