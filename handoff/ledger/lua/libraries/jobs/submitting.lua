-- Taking on one function that is submitted, alone or among many: its job is written, then it is placed, or waits.
--
-- It is a table: id (of the job), token, demand, options, priority, preferred, refuse (0, 1), replace (0, 1), delay_ms, due_ms,
-- and the fields of its hash, {name, value, ...}.
--
-- KEYS     delayed  rq_job  words
-- STATE    is_new      {}     ids of jobs of which nothing is there, nor remembered
--          is_settled  false  what was left over was looked at
--          judged      {}     demand -> {how many live nodes could hold it when idle, the nearest}; no node comes meanwhile
--          budget      64     of a call that takes many: what a function costs that joins a line
-- @include settle  jobs/admit  jobs/job  jobs/replacing  jobs/words  nodes/feasible  nodes/holds  nodes/lapse  texts/demand  time/clock
-- @include time/events
-- @include arguments  texts/options  texts/reservation

-- A thousand years.
local LONGEST_MS = 4 * 10 ^ 13

local MOST_PRIORITY = 1000

-- Against the budget.
local OF_ONE, OF_PLACING, OF_FINDING, OF_JUDGING = 1, 1, 2, 15

-- Looks at one before anything is written.
function Submitting.check(one)
  Arguments.check('job_id', Reservation.is_job_id(one.id))
  Arguments.check('demand', Demand.is_sound(one.demand))
  Arguments.check('options', Options.is_sound(one.options))
  Arguments.check('priority', math.abs(one.priority) <= MOST_PRIORITY)
  Arguments.check('delay_ms', one.delay_ms <= LONGEST_MS and one.due_ms <= LONGEST_MS)
  Arguments.check('fields', #one.fields % 2 == 0)
end

-- Once a call, and only where something is to be written.
local function settle()
  if not Call.is_settled then
    Call.is_settled = true
    Lapse.leases()
    Settle.go_on(4)
  end
end

local function judge(demand)
  local judged = Call.judged[demand]
  if not judged then
    judged = {Feasible.judge(Demand.read(demand))}
    Call.judged[demand] = judged
    if judged[1] == 0 then
      Call.budget = Call.budget - OF_JUDGING
    end
  end
  return judged[1], judged[2]
end

-- `fits` (nil: none): of functions that this call has placed before, where, by demand. While it takes on functions no room
-- grows, unless a hold ends: what was too full for one is too full for the next that asks for the same.
local function admit(job, one, fits)
  local is_plain = fits and one.preferred == '' and one.options == ''
  local last = is_plain and fits[one.demand]
  if last and (last.priority ~= one.priority or Holds.are_any()) then
    last = nil
  end
  Admit.in_time(job, one.due_ms, one.delay_ms, last and last.node or one.preferred)
  if job.node and not (last and job.node == last.node) then
    Call.budget = Call.budget - OF_FINDING
  end
  if is_plain and job.node then
    fits[one.demand] = {node = job.node, priority = one.priority}
  end
end

-- That all are new is told by one look.
local function look_at(all)
  local keys = {}
  for i, one in ipairs(all) do
    keys[2 * i - 1], keys[2 * i] = K.rq_job .. one.id, K.words .. one.id
  end
  if redis.call('EXISTS', unpack(keys)) == 0 then
    for _, one in ipairs(all) do
      Call.is_new[one.id] = true
    end
  end
end

-- -> what submit answers. Asked again with the same token, as it stands.
local function submit(one, fits)
  local is_new = Call.is_new[one.id]
  Call.is_new[one.id] = nil
  local known = not is_new and Job.is_there(one.id) and Job.read(one.id)
  Call.budget = Call.budget - OF_ONE
  local former
  if known and known.token ~= one.token then
    if one.replace == 0 or not Replacing.may(known) then
      return {'duplicate'}
    end
    former, known = known, nil
  end

  local job = known
  if not known then
    if not is_new then
      local submitted, _, node, devices = Words.read(one.id)
      if submitted == one.token then
        return {'placed', node, devices}
      end
    end
    settle()
    if one.refuse == 1 then
      local count, nearest = judge(one.demand)
      if count == 0 then
        return {'refused', nearest}
      end
    end
    Clock.note()
    if former then
      Replacing.clear(former)
    end
    job = Job.new(one.id, one.fields)
    Job.set(job, 'demand', one.demand, 'rank', Job.next_rank(one.priority), 'token', one.token)
    if one.options ~= '' then
      Job.set(job, 'options', one.options)
    end
    admit(job, one, fits)
  end

  if job.status ~= 'deferred' then
    Call.budget = Call.budget - OF_PLACING
    return {'placed', job.node or '', job.devices or ''}
  end
  if job.state == 'delayed' then
    return {'delayed', tonumber(redis.call('ZSCORE', K.delayed, one.id))}
  end
  local count, nearest = judge(job.demand)
  if count > 0 then
    return {'waiting', count}
  end
  if not known then
    Events.emit('infeasible', 'job', one.id, 'demand', job.demand)
  end
  return {'infeasible', nearest}
end

-- In their order, until the budget is spent. -> what submit answers, of each that it came to
function Submitting.many(all)
  look_at(all)
  local replies, fits = {}, {}
  for i = 1, #all do
    replies[i] = submit(all[i], fits)
    if Call.budget <= 0 then
      break
    end
  end
  return replies
end
