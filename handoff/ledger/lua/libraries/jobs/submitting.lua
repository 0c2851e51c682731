-- Taking on functions that are submitted, alone or many together: its job is written, then it is placed, or waits.
--
-- A function is a table: id (of its job), kind, and its fields of the hash, or where these stand (texts/submission). Its kind
-- says what it asks for: demand, options, priority, preferred, refuse (0, 1), delay_ms, due_ms, token, replace (0, 1, 2), and
-- fields of the hash.
--
-- KEYS     delayed  rq_job  words
-- STATE    is_new      {}     ids of jobs of which nothing is there, nor remembered
--          is_settled  false  what was left over was looked at
--          judged      {}     demand -> {how many live nodes could hold it when idle, the nearest}; no node comes meanwhile
--          budget      64     of a call that takes many: what a function costs that joins a line
--          fits        {}     demand -> {where one was placed, its priority}, of functions of this call
--          waits       {}     demand -> the priority of one that waits, of functions of this call
-- @include settle  jobs/admit  jobs/dependencies  jobs/handing  jobs/job  jobs/replacing  jobs/unique  jobs/words
-- @include nodes/feasible  nodes/holds  nodes/lapse  texts/demand  time/clock  time/events
-- @include arguments  texts/options  texts/reservation  texts/submission  writes

-- A thousand years.
local LONGEST_MS = 4 * 10 ^ 13

local MOST_PRIORITY = 1000

-- Against the budget.
local OF_ONE, OF_PLACING, OF_FINDING, OF_JUDGING = 1, 1, 2, 15

local function check_kind(kind)
  Arguments.check('demand', Demand.is_sound(kind.demand))
  Arguments.check('options', Options.is_sound(kind.options))
  Arguments.check('priority', math.abs(kind.priority) <= MOST_PRIORITY)
  Arguments.check('delay_ms', kind.delay_ms <= LONGEST_MS and kind.due_ms <= LONGEST_MS)
  Arguments.check('fields', #kind.fields % 2 == 0)
end

-- Before anything is written. What a kind says stands in the hash of each of its functions.
function Submitting.check(kinds, all)
  for i = 1, #kinds do
    local kind = kinds[i]
    check_kind(kind)
    local fields, size = kind.fields, #kind.fields
    fields[size + 1], fields[size + 2], fields[size + 3], fields[size + 4] = F.demand, kind.demand, F.token, kind.token
    if kind.options ~= '' then
      fields[size + 5], fields[size + 6] = F.options, kind.options
    end
  end
  for i = 1, #all do
    Arguments.check('job_id', Reservation.is_job_id(all[i].id))
  end
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

-- While a call takes on functions no room grows, unless a hold ends: what was too full for one is too full for the next that
-- asks for the same. Of several costs it may be another that fits in front of there. Behind one that waits, and starts in no
-- such call, the next waits too.
local function admit(job, kind)
  local is_plain = kind.preferred == '' and kind.options == ''
  if is_plain and Call.waits[kind.demand] == kind.priority and kind.delay_ms <= 0 and kind.due_ms <= 0 then
    Admit.behind(job)
    return
  end
  local last = is_plain and Call.fits[kind.demand]
  if last and (last.priority ~= kind.priority or Holds.are_any()) then
    last = nil
  end
  Admit.in_time(job, kind.due_ms, kind.delay_ms, last and last.node or kind.preferred)
  if job.node then
    if not (last and job.node == last.node) then
      Call.budget = Call.budget - OF_FINDING
    end
    if is_plain and #Demand.read(kind.demand) == 1 then
      Call.fits[kind.demand] = {node = job.node, priority = kind.priority}
    end
  elseif is_plain and job.state == 'waiting' then
    Call.waits[kind.demand] = kind.priority
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

-- Its hash begins with what all of its kind have there.
local function begin(one)
  local kind, rank = one.kind, Job.next_rank(one.kind.priority)
  local fields = one.fields or Submission.fields(one)
  local size = #fields
  fields[size + 1], fields[size + 2] = F.rank, rank
  return Job.new({id = one.id, status = 'created', demand = kind.demand, rank = rank, token = kind.token,
    options = kind.options ~= '' and kind.options or nil, origin = nil, state = nil, since = nil}, fields)
end

-- Its fields, where it asks for that option, else nil.
local function fields_with(one, option)
  local options = one.kind.options
  if options == '' or not Options.get(options, option) then
    return nil
  end
  one.fields = one.fields or Submission.fields(one)
  return one.fields
end

-- The key that it is to have, nil if none.
local function key_of(one)
  local fields = fields_with(one, 'unique')
  return fields and Job.field_in(fields, 'unique')
end

-- The ids of what it depends on, nil if of nothing.
local function dependencies_of(one)
  local fields = fields_with(one, 'depends')
  return fields and Dependencies.ids_in(fields)
end

-- As it stands; `is_new`: since this call.
local function answer(job, is_new)
  if job.status ~= 'deferred' then
    Call.budget = Call.budget - OF_PLACING
    return {'placed', job.node or '', job.devices or ''}
  end
  if job.state == 'delayed' then
    return {'delayed', tonumber(redis.call('ZSCORE', K.delayed, job.id))}
  end
  if job.state == 'deferred' and not job.run then
    return {'deferred', Dependencies.told(job)}
  end
  local count, nearest = judge(job.demand)
  if count > 0 then
    return {'waiting', count}
  end
  if is_new then
    Events.emit('infeasible', 'job', job.id, 'demand', job.demand)
  end
  return {'infeasible', nearest}
end

-- What is answered where another function has its key, else nil.
local function taken(key)
  settle()
  local holder = Unique.holder(key)
  if not holder then
    return nil
  end
  return {'held', holder.id, Job.get(holder.id, 'function') or '', holder.status, holder.demand, answer(holder)}
end

-- -> what submit answers. Asked again with the same token, as it stands.
local function submit(one)
  local id, kind = one.id, one.kind
  local is_new = Call.is_new[id]
  Call.is_new[id] = nil
  local known = not is_new and Job.is_there(id) and Job.read(id)
  Call.budget = Call.budget - OF_ONE
  local former = known and known.token ~= kind.token and known or nil
  if former then
    known = nil
  end
  local key = not known and key_of(one)

  local job = known
  if not known then
    local is_replaced = former and kind.replace > 0 and Replacing.may(former, kind.replace)
    if not is_new and (is_replaced or not former) then
      local submitted, _, node, devices = Words.read(id)
      if submitted == kind.token then
        return {'placed', node, devices}
      end
    end
    local holder = key and taken(key)
    if holder then
      return holder
    end
    if former and not is_replaced then
      return {'duplicate'}
    end
    settle()
    local dependencies = dependencies_of(one)
    local missing = dependencies and Dependencies.missing(dependencies)
    if missing then
      return {'missing', missing}
    end
    if kind.refuse == 1 then
      local count, nearest = judge(kind.demand)
      if count == 0 then
        return {'refused', nearest}
      end
    end
    Clock.note()
    if former then
      Replacing.clear(former)
      Events.emit('replaced', 'job', former.id)
    end
    job = begin(one)
    if former and former.awaited then
      Job.set(job, 'awaited', '1')
    end
    if key then
      Unique.take(key, id)
    end
    if not dependencies or not Dependencies.defer(job, dependencies) then
      admit(job, kind)
    end
  end
  return answer(job, not known)
end

-- One that comes by itself, and for which an agent may wait. -> what submit answers
function Submitting.alone(one)
  Writes.begin_at_once()
  look_at({one})
  local reply = submit(one)
  if reply[1] == 'placed' then
    Handing.over(one.id, reply[2], one.fields)
  end
  return reply
end

-- In their order, until the budget is spent. -> what submit answers, of each that it came to
function Submitting.many(all)
  if not all[2] then
    Writes.begin_at_once()
  end
  look_at(all)
  local replies = {}
  for i = 1, #all do
    replies[i] = submit(all[i])
    if Call.budget <= 0 then
      break
    end
  end
  return replies
end
