-- Load a slice of a graph; with the last one the run begins.
--
-- Large graphs come in slices, so that none holds the server for long. Until the last one nothing is started. Asked
-- again for a slice that it has, it answers the same and changes nothing. A graph whose next slice does not come within
-- a minute is dropped.
--
-- KEYS     gone  run  runs  run_of  run_next  run_missing  run_groups  run_graph  order  rq_job  rq_deferred  rq_queue
--          rq_queues  rq_dependencies
-- ARGV     lobby      str
--          run        str   names this run, and with it all its slices
--          dag        str   the user's id
--          part       int   number of this slice, from 1
--          is_last    int   0 or 1
--          whole      int   1 = reserve for all functions before any starts
--          units      int   of `run.<run>` that it may hold at once, 0 = no limit
--          lease_ms   int   of an attached run, 0 = it is not attached
--          lost_text  str   exc_string of a function lost with its node
--          now_ms     int   0 = the server's clock
--          entries    list  each `kind, number, count` and as many values.
--                           run: name, value, ... of its hash, with `total`.
--                           graph: a piece of what it looks like. next: numbers of those that take it (0: of roots).
--                           takes: numbers of those that it takes.
--                           group: members, terms.
--                           job: demand, options, priority, place, dependencies, group or '', refuse (0, 1), then name,
--                           value, ... of its hash.
--                           claim: lib/whole
-- RETURNS  {'loaded'}
--          {'running'}                     it was the last slice
--          {'duplicate', state}            a run of that id has not ended; nothing was written
--          {'refused', number, nearest}    no live node could hold that function; all of it is dropped
--          {'short', number, pin, {resource, units, ...}}  missing to reserve for that function; all of it is dropped
--          {'dropped'}                     its next slice came too late
-- @include lib/settle
-- @include lib/lapse
-- @include lib/whole

local LOAD_MS = 60000
local ENDED = {finished = true, failed = true, canceled = true, dropped = true}

local now = clock(now_ms)
local known = redis.call('HMGET', K.run .. run, 'state', 'part', 'base')
local refusal = redis.call('GET', K.gone .. run)
if refusal == 'ended' then
  return {is_last == 1 and 'running' or 'loaded'}
elseif refusal then
  local number, pin, listed = string.match(refusal, '^short|(%d+)|([^|]*)|(.*)$')
  if not number then
    return {'refused', string.match(refusal, '^refused|(%d+)|(.*)$')}
  end
  local short = {}
  for resource, units_short in string.gmatch(listed, '([^=,]+)=(%d+)') do
    short[#short + 1], short[#short + 2] = resource, units_short
  end
  return {'short', number, pin, short}
end
if known[1] == 'dropped' or (not known[1] and part > 1) then
  return {'dropped'}
end
if known[1] and tonumber(known[2]) >= part then
  return {known[1] == 'loading' and 'loaded' or 'running'}
end
local other = redis.call('GET', K.run_of .. dag)
local state = other and redis.call('HGET', K.run .. other, 'state') or 'dropped'
if part == 1 and not ENDED[state] then
  return {'duplicate', state}
end
lapse_leases(now)

local entries = {run = {}, graph = {}, next = {}, takes = {}, group = {}, job = {}, claim = {}}
local at = entries_first
while at <= #ARGV do
  local entry, count = {number = ARGV[at + 1]}, tonumber(ARGV[at + 2])
  for i = 1, count do
    entry[i] = ARGV[at + 2 + i]
  end
  table.insert(entries[ARGV[at]], entry)
  at = at + 3 + count
end

-- Judged with the token that all of it asks for.
if units > 0 and not known[1] then
  add_tokens(run, units)
end
local terms_of = {}
for _, group in ipairs(entries.group) do
  terms_of[group.number] = group[2]
end
for _, job in ipairs(entries.job) do
  local count, nearest
  if job[7] == '1' then
    local terms = job[6] ~= '' and (terms_of[job[6]] or redis.call('HGET', K.run_groups .. run, job[6] .. '|terms'))
    count, nearest = judge(demand_of(terms and constrained(job[1], terms) or job[1]))
  end
  if count == 0 then
    if known[1] then
      drop_run(run)
    elseif units > 0 then
      drop_tokens(run)
    end
    leave_run_word(run, 'refused|' .. job.number .. '|' .. nearest, 0)
    settle(lost_text, lobby, now, 16)
    return {'refused', job.number, nearest}
  end
end

local base = tonumber(known[3] or nil)
for _, fields in ipairs(entries.run) do
  redis.call('HSET', K.run .. run, 'dag', dag, 'state', 'loading', 'created_ms', text(now), unpack(fields))
  if other then
    redis.call('HSET', K.run .. run, 'before', other)
  end
  redis.call('SET', K.run_of .. dag, run)
  redis.call('ZADD', K.runs, text(now), run)
  local total = tonumber(redis.call('HGET', K.run .. run, 'total'))
  -- Their orders are given out at once: by longest path within the run, first come, first served among runs.
  base = redis.call('INCRBY', K.order, total) - total
  redis.call('HSET', K.run .. run, 'base', text(base))
  redis.call('SADD', K.rq_queues, K.rq_queue .. lobby)
end
redis.call('HSET', K.run .. run, 'part', part)
set_timer('load|' .. run, now + LOAD_MS)

for _, piece in ipairs(entries.graph) do
  redis.call('APPEND', K.run_graph .. run, piece[1])
end
for _, followers in ipairs(entries.next) do
  redis.call('HSET', K.run_next .. run, followers.number, followers[1])
end
for _, numbers in ipairs(entries.takes) do
  local ids = {}
  for i, number in ipairs(numbers) do
    ids[i] = run .. '-' .. number
  end
  redis.call('SADD', K.rq_dependencies .. run .. '-' .. numbers.number .. ':dependencies', unpack(ids))
end
for _, group in ipairs(entries.group) do
  redis.call('HSET', K.run_groups .. run, group.number .. '|members', group[1], group.number .. '|terms', group[2])
end
for _, job in ipairs(entries.job) do
  local id = run .. '-' .. job.number
  local rank = text((1000 - tonumber(job[3])) * 2 ^ 41 + base + 1 + tonumber(job[4]))
  local more = {'status', 'deferred', 'origin', lobby, 'h_state', 'deferred', 'h_run', run, 'h_demand', job[1],
    'h_rank', rank}
  if job[2] ~= '' then
    more[#more + 1], more[#more + 2] = 'h_options', job[2]
  end
  if job[6] ~= '' then
    more[#more + 1], more[#more + 2], more[#more + 3], more[#more + 4] = 'h_group', job[6], 'h_base', job[1]
  end
  redis.call('HSET', K.rq_job .. id, unpack(more))
  redis.call('HSET', K.rq_job .. id, unpack(job, 8))
  redis.call('ZADD', K.rq_deferred .. lobby, math.floor(now / 1000), id)
  redis.call('HSET', K.run_missing .. run, job.number, job[5])
end

local group, short
if whole == 1 then
  group, short = reserve_whole(run, entries.claim, now)
end
if group then
  drop_run(run)
  local listed = {}
  for i = 1, #short, 2 do
    listed[#listed + 1] = short[i] .. '=' .. short[i + 1]
  end
  leave_run_word(run, table.concat({'short', group.number, group.shape.pin, table.concat(listed, ',')}, '|'), 0)
  settle(lost_text, lobby, now, 16)
  return {'short', group.number, group.shape.pin, short}
end
if is_last == 1 then
  begin_run(run, dag, lease_ms, now)
end
settle(lost_text, lobby, now, 16)
return {is_last == 1 and 'running' or 'loaded'}
