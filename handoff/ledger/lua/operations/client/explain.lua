-- Say why a function stands where it does: what it waits for, who holds that, and what would let it start.
--
-- KEYS     delayed  holds  notes  reservations  rq_job  rq_suspended  shape  waiting
-- ARGV     job_id  str
--          fields  list  of the job's hash
-- RETURNS  {'unknown'}
--          {'stands', values, now, record, kind, suspended, due}
--              that does not wait. record: of what it has reserved, or ''; kind: of its node: static, leased, lost or '';
--              suspended: 1 or 0; due: when a delay ends, ms
--          {'waits', values, now, places, joins, {nodes, able}, unfit, nearest, room, classes, holders,
--              change, overtaken, holds, ends}
--              places: {in its shape, of how many, among all, of how many}, from 1, 0 = in no shape yet;
--              joins: of each variant 0, or in how many ms it counts; nodes: live ones that could hold it when idle, able:
--              those by a variant that counts; unfit: where there is none by these, texts/shortfall; nearest: {variant,
--              node, {resource, missing, ...}} or {};
--              room: a node where it fits now, or ''; classes: {{variant, ...}, ...}, why/short_by_class;
--              holders: {count, {holder, ...}}, why/holders; change: why/changes;
--              overtaken: {count, since, limit, limit in ms} or {};
--              holds: {{node, job, its function, families with commas, 1 = its own}, ...};
--              ends: when it fails if it has not started, and when its fitness is looked at, ms, 0 = never
-- @include claims/shortage  jobs/job  jobs/placing  jobs/queues  nodes/constraints  nodes/distance  nodes/feasible
-- @include nodes/fit  nodes/holds  nodes/lapse  nodes/node  nodes/scratch  nodes/shared  texts/demand
-- @include texts/note  texts/shape  texts/timer  time/timers  waiting/limits  waiting/notes  why/changes  why/holders
-- @include why/near  why/short_by_class
-- @flags allow-oom

Scratch.allow_when_full()
Lapse.leases()
local job = Job.read(job_id)
if not job or not Queues.is_ours(job.origin) then
  return {'unknown'}
end
local values = redis.call('HMGET', K.rq_job .. job_id, unpack(ARGV, fields_first))

if not Job.is_waiting(job) or job.bent then
  local node = job.node and Node.load(job.node)
  local record = node and redis.call('HGET', K.reservations .. node.name, Job.reservation(job)) or ''
  local kind = node and (node.state == 'up' and node.kind or 'lost') or ''
  return {'stands', values, Call.now, record, kind, redis.call('EXISTS', K.rq_suspended),
    tonumber(redis.call('ZSCORE', K.delayed, job_id) or 0)}
end

local rank, demand = tonumber(job.rank), Demand.read(job.demand)

-- Variants that count by now, and when the others will. Where none does yet, all are asked about.
local joins, asked, others, counting = {}, {}, {}, {}
for i, variant in ipairs(demand) do
  local each = {number = i - 1, shape = Shape.read(variant.shape)}
  if redis.call('ZSCORE', K.shape .. variant.shape, job_id) then
    joins[i] = 0
    asked[#asked + 1] = each
    counting[#counting + 1] = variant
  else
    joins[i] = math.max(1, (Timers.at(Timer.after(i, job_id)) or Call.now) - Call.now)
    others[#others + 1] = each
  end
end
local places = {0, 0}
if #asked > 0 then
  local key = K.shape .. asked[1].shape.text
  places = {redis.call('ZRANK', key, job_id) + 1, redis.call('ZCARD', key)}
end
places[3] = (redis.call('ZRANK', K.waiting, job_id) or -1) + 1
places[4] = redis.call('ZCARD', K.waiting)
if #asked == 0 then
  asked, counting = others, demand
end

-- How often the head of a shape was overtaken by what used what it lacks; nil of one that is no head.
-- -> {count, since, limit, limit in ms}
local function overtaken_as(shape, nearest)
  local noted = redis.call('HGET', K.notes, shape.text)
  local note = noted and Note.read(noted)
  if not note or note.job ~= job_id then
    return nil
  end
  local most, longest_ms = Limits.get()
  return {Notes.overtakes(note, {nearest and nearest.lacks or {}, Shared.missing(shape)}), note.since, most, longest_ms}
end

local able, unfit = Feasible.judge(counting)
local classes, room, nearest, overtaken = {}, '', nil, nil
for _, each in ipairs(asked) do
  if asked ~= others and room == '' then
    local node = Placing.find(job, each.shape, rank)
    room = node and node.name or ''
  end
  local found = Near.node(each.shape, rank)
  if found and Distance.is_nearer(found, nearest) then
    nearest = found
    nearest.variant = each
  end
  local head = overtaken_as(each.shape, found)
  if head and (not overtaken or head[1] > overtaken[1]) then
    overtaken = head
  end
end
for _, list in ipairs(others == asked and {asked} or {asked, others}) do
  for _, each in ipairs(list) do
    for _, class in ipairs(ShortByClass.list(each.shape, rank, ShortByClass.MOST_TOLD - #classes)) do
      classes[#classes + 1] = {each.number, unpack(class)}
    end
  end
end

local variant = nearest and nearest.variant or asked[1]
local holders = Holders.of(variant.shape, nearest)

-- Whether a hold keeps it back where there is room.
local function is_kept_back(node, shape)
  if not Node.is_open(node) or not Holds.bars(node, shape, rank) then
    return false
  end
  if node.name == Shared.NAME then
    return #Shared.missing(shape) == 0
  end
  return Fit.in_amounts(node.free, shape) and Constraints.allow(node, shape.terms)
end

local holds = {}
for _, name in ipairs(redis.call('ZRANGE', K.holds, 0, -1)) do
  local node = Node.load(name)
  local hold = node and Holds.on(node) or {}
  local is_told = hold.job == job_id
  for _, each in ipairs(asked) do
    is_told = is_told or (node and is_kept_back(node, each.shape))
  end
  if is_told then
    holds[#holds + 1] = {name, hold.job, Job.get(hold.job, 'function') or hold.job, hold.lacks,
      hold.job == job_id and 1 or 0}
  end
end

local near = {}
if nearest then
  near = {variant.number, nearest.node.name,
    Shortage.of(Shared.wants_of_node(variant.shape), ShortByClass.free_of(nearest.node), {})}
end
local change = {}
if room == '' then
  change = Changes.smallest(asked, others, nearest, rank, Placing.strategy_of(job), able > 0)
end
return {'waits', values, Call.now, places, joins, {Feasible.count(demand), able}, unfit, near, room, classes,
  {#holders, Holders.told(holders)}, change, overtaken or {}, holds,
  {Timers.at(Timer.of('expire', job_id)) or 0, Timers.at(Timer.of('unfit', job_id)) or 0}}
