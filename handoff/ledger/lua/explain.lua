-- Say why a function stands where it does: what it waits for, who holds that, and what would let it start.
--
-- KEYS     rq_job  rq_suspended  delayed  held  shape  waiting  timers  holds  noted
-- ARGV     lobby   str
--          job_id  str
--          now_ms  int   0 = the server's clock
--          fields  list  of the job's hash
-- RETURNS  {'unknown'}
--          {'stands', values, now, record, kind, suspended, due}
--              that does not wait. record: of what it holds, or ''; kind: of its node: static, leased, lost or '';
--              suspended: 1 or 0; due: when a delay ends, ms
--          {'waits', values, now, places, joins, {count_able(demand), able}, unfit, nearest, room, kinds, holders,
--              change, overtaken, holds, ends}
--              places: {in its shape, of how many, among all, of how many}, from 1, 0 = in no shape yet;
--              joins: of each variant 0, or in how many ms it counts; able: live nodes that could hold it when idle, by
--              a variant that counts; unfit: where there is none by these, lib/nearest; nearest: {variant, node,
--              {resource, missing, ...}} or {};
--              room: a node where it fits now, or ''; kinds: {{variant, ...}, ...}, lib/kinds;
--              holders: {count, {holder, ...}}, lib/holders; change: lib/changes;
--              overtaken: {count, since, limit, limit in ms} or {};
--              holds: {{node, job, its function, families with commas, 1 = its own}, ...};
--              ends: when it fails if it has not started, and when its fitness is looked at, ms, 0 = never
-- @include lib/changes

local now = clock(now_ms)
lapse_leases(now)
local job = read_job(job_id)
if not job or not is_ours(job, lobby) then
  return {'unknown'}
end
local values = redis.call('HMGET', K.rq_job .. job_id, unpack(ARGV, fields_first))

if job.status ~= 'deferred' or job.h_state ~= 'waiting' or not job.h_demand then
  local node = job.h_node and load_node(job.h_node)
  local record = node and redis.call('HGET', K.held .. node.name, reservation_of(job)) or ''
  local kind = node and (node.state == 'up' and node.kind or 'lost') or ''
  return {'stands', values, now, record, kind, redis.call('EXISTS', K.rq_suspended),
    tonumber(redis.call('ZSCORE', K.delayed, job_id) or 0)}
end

local rank, demand = tonumber(job.h_rank), demand_of(job.h_demand)

-- Variants that count by now, and when the others will. Where none does yet, all are asked about.
local joins, asked, others, counting = {}, {}, {}, {}
for i, variant in ipairs(demand) do
  local each = {number = i - 1, shape = shape_of(variant.shape)}
  if redis.call('ZSCORE', K.shape .. variant.shape, job_id) then
    joins[i] = 0
    asked[#asked + 1] = each
    counting[#counting + 1] = variant
  else
    local due = tonumber(redis.call('ZSCORE', K.timers, 'after|' .. i .. '|' .. job_id) or now)
    joins[i] = math.max(1, due - now)
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
  local noted = redis.call('HGET', K.noted, shape.text)
  local note = noted and read_note(noted)
  if not note or note.job ~= job_id then
    return nil
  end
  local most, longest_ms = limits()
  return {overtakes(note, {nearest and nearest.lacks or {}, missing_tokens(shape)}), note.since, most, longest_ms}
end

local able, unfit = judge(counting)
local kinds, room, nearest, overtaken = {}, '', nil, nil
for _, each in ipairs(asked) do
  if asked ~= others and room == '' then
    local node = find_node(each.shape, rank, choice_of(job))
    room = node and node.name or ''
  end
  local found = nearest_for(each.shape, rank)
  if found and is_nearer(found, nearest) then
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
    for _, kind in ipairs(kinds_for(each.shape, rank, MOST_KINDS - #kinds)) do
      kinds[#kinds + 1] = {each.number, unpack(kind)}
    end
  end
end

local variant = nearest and nearest.variant or asked[1]
local holders = holders_of(variant.shape, nearest)

local function keeps_back(node, shape)
  if node.name == SHARED then
    return is_open(node) and #missing_tokens(shape) == 0 and holds_back(node, shape, rank)
  end
  return is_open(node) and has_room(node, shape) and allows(node, shape.terms) and holds_back(node, shape, rank)
end

local holds = {}
for _, name in ipairs(redis.call('ZRANGE', K.holds, 0, -1)) do
  local node = load_node(name)
  local holder, lacks = string.match(node.hold, '^%d+|([^|]*)|(.*)$')
  local is_told = holder == job_id
  for _, each in ipairs(asked) do
    is_told = is_told or keeps_back(node, each.shape)
  end
  if is_told then
    holds[#holds + 1] = {name, holder, redis.call('HGET', K.rq_job .. holder, 'h_function') or holder, lacks,
      holder == job_id and 1 or 0}
  end
end

local near = {}
if nearest then
  near = {variant.number, nearest.node.name, shortage(wants_of_node(variant.shape), free_of(nearest.node), {})}
end
local change = room == '' and smallest_change(asked, others, nearest, rank, choice_of(job), able > 0) or {}
return {'waits', values, now, places, joins, {count_able(demand), able}, unfit, near, room, kinds,
  {#holders, told_records(holders)}, change, overtaken or {}, holds,
  {tonumber(redis.call('ZSCORE', K.timers, 'expire|' .. job_id) or 0),
    tonumber(redis.call('ZSCORE', K.timers, 'unfit|' .. job_id) or 0)}}
