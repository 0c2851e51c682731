-- Load a slice of a graph; with the last one the run begins.
--
-- Large graphs come in slices, so that none holds the server for long. Until the last one nothing is started. Asked
-- again for a slice that it has, it answers the same and changes nothing. A graph whose next slice does not come within
-- a minute is dropped.
--
-- KEYS     rq_deferred  run  run_graph  run_missing  run_next  run_of  runs
-- ARGV     run        str   names this run, and with it all its slices
--          dag        str   the user's id
--          part       int   number of this slice, from 1
--          is_last    int   0 or 1
--          whole      int   1 = reserve for all functions before any starts
--          units      int   of the token of the run that it may use at once, 0 = no limit
--          lease_ms   int   of an attached run, 0 = it is not attached
--          entries    list  texts/entries.
--                           run: name, value, ... of its hash, with `total`.
--                           graph: a piece of what it looks like. next: numbers of those that take it (0: of roots).
--                           takes: numbers of those that it takes.
--                           group: members, terms.
--                           kind: what jobs of this slice have in common (texts/submission); numbered from 1.
--                           job: number of its kind, place, dependencies, group or '', a value for each field of its own.
--                           claim: runs/whole
-- RETURNS  {'loaded'}
--          {'running'}                     it was the last slice
--          {'duplicate', state}            a run of that id has not ended; nothing was written
--          {'refused', number, nearest}    no live node could hold that function; all of it is dropped
--          {'short', number, pin, {resource, units, ...}}  missing to reserve for that function; all of it is dropped
--          {'dropped'}                     its next slice came too late
-- @include settle  jobs/job  jobs/queues  jobs/rq_dependencies  jobs/words  nodes/feasible  nodes/lapse  runs/groups  runs/run  runs/tokens
-- @include runs/whole  texts/demand  texts/number  texts/run_id  texts/run_word  texts/timer
-- @include time/clock  time/timers
-- @include arguments  runs/graph_entries  texts/reservation  texts/submission

local LOAD_MS = 60000
local ENDED = {finished = true, failed = true, canceled = true, dropped = true}

Arguments.check('run', Reservation.is_job_id(run))
Arguments.check('part', part > 0)
Arguments.check('units', units >= 0)
local entries = GraphEntries.read(ARGV, entries_first, part == 1)
Arguments.check('entries', entries)

local known = redis.call('HMGET', K.run .. run, 'state', 'part', 'base')
local word = Words.of_run(run)
if word == RunWord.ENDED then
  return {is_last == 1 and 'running' or 'loaded'}
elseif word then
  return RunWord.read(word)
end
if known[1] == 'dropped' or (not known[1] and part > 1) then
  return {'dropped'}
end
if known[1] and not (Number.whole(known[2]) and Number.whole(known[3])) then
  return {'dropped'}
end
if known[1] and tonumber(known[2]) >= part then
  return {known[1] == 'loading' and 'loaded' or 'running'}
end
local other = redis.call('GET', K.run_of .. dag)
local state = other and Run.state(other) or 'dropped'
if part == 1 and not ENDED[state] then
  return {'duplicate', state}
end
Clock.note()
Lapse.leases()

-- Judged with the token that all of it asks for.
if units > 0 and not known[1] then
  Tokens.add(run, units)
end
local terms_of = {}
for _, group in ipairs(entries.group) do
  terms_of[group.number] = group[2]
end
for _, job in ipairs(entries.job) do
  local demand, group = job.kind.demand, job[4]
  local count, nearest
  if job.kind.refuse == 1 then
    local terms = group ~= '' and (terms_of[group] or Groups.terms(run, group))
    count, nearest = Feasible.judge(Demand.read(terms and Demand.constrained(demand, terms) or demand))
  end
  if count == 0 then
    if known[1] then
      Run.drop(run)
    elseif units > 0 then
      Tokens.drop(run)
    end
    Words.leave_of_run(run, RunWord.refused(job.number, nearest), 0)
    Settle.go_on(16)
    return {'refused', job.number, nearest}
  end
end

local base = tonumber(known[3] or nil)
for _, fields in ipairs(entries.run) do
  redis.call('HSET', K.run .. run, 'dag', dag, 'state', 'loading', 'created_ms', Number.text(Call.wall), unpack(fields))
  if other then
    redis.call('HSET', K.run .. run, 'before', other)
  end
  redis.call('SET', K.run_of .. dag, run)
  redis.call('ZADD', K.runs, Number.text(Call.wall), run)
  local total = tonumber(redis.call('HGET', K.run .. run, 'total'))
  -- Their orders are given out at once: by longest path within the run, first come, first served among runs.
  base = Job.next_orders(total) - total
  redis.call('HSET', K.run .. run, 'base', Number.text(base))
  Queues.list(Call.lobby)
end
redis.call('HSET', K.run .. run, 'part', part)
Timers.keep_off(Timer.of('load', run), LOAD_MS)

for _, piece in ipairs(entries.graph) do
  redis.call('APPEND', K.run_graph .. run, piece[1])
end
local following = {}
for i, followers in ipairs(entries.next) do
  following[2 * i - 1], following[2 * i] = followers.number, followers[1]
end
if following[1] then
  redis.call('HSET', K.run_next .. run, unpack(following))
end
for _, numbers in ipairs(entries.takes) do
  local ids = {}
  for i, number in ipairs(numbers) do
    ids[i] = RunId.job(run, number)
  end
  RqDependencies.add(RunId.job(run, numbers.number), ids)
end
for _, group in ipairs(entries.group) do
  Groups.add(run, group.number, group[1], group[2])
end
for _, entry in ipairs(entries.kind) do
  local kind, fields = entry.kind, entry.kind.fields
  local size = #fields
  fields[size + 1], fields[size + 2], fields[size + 3], fields[size + 4] = 'status', 'deferred', 'origin', Call.lobby
  fields[size + 5], fields[size + 6], fields[size + 7], fields[size + 8] = F.state, 'deferred', F.run, run
  fields[size + 9], fields[size + 10] = F.demand, kind.demand
  if kind.options ~= '' then
    fields[size + 11], fields[size + 12] = F.options, kind.options
  end
end
local deferred, to_come, since = {}, {}, math.floor(Call.wall / 1000)
for i, entry in ipairs(entries.job) do
  local kind, _, place, dependencies, group = entry.kind, unpack(entry, 1, 4)
  local demand, options = kind.demand, kind.options ~= '' and kind.options or nil
  local job = Job.new({id = RunId.job(run, entry.number), status = 'deferred', origin = Call.lobby, state = 'deferred',
    run = run, demand = demand, options = options, rank = nil, group = nil, base = nil}, Submission.fields(entry))
  Job.set(job, 'rank', Job.rank(kind.priority, base + 1 + tonumber(place)))
  if group ~= '' then
    Job.set(job, 'group', group, 'base', demand)
  end
  deferred[2 * i - 1], deferred[2 * i] = since, job.id
  to_come[2 * i - 1], to_come[2 * i] = entry.number, dependencies
end
if deferred[1] then
  redis.call('ZADD', K.rq_deferred .. Call.lobby, unpack(deferred))
  redis.call('HSET', K.run_missing .. run, unpack(to_come))
end

local group, short
if whole == 1 then
  group, short = Whole.reserve(run, entries.claim)
end
if group then
  Run.drop(run)
  Words.leave_of_run(run, RunWord.short(group.number, group.shape.pin, short), 0)
  Settle.go_on(16)
  return {'short', group.number, group.shape.pin, short}
end
if is_last == 1 then
  Run.begin(run, dag, lease_ms, units)
end
Settle.go_on(16)
return {is_last == 1 and 'running' or 'loaded'}
