-- Make the books of a run what its functions say: who has ended and how, how many dependencies are to come, its limit.
--
-- A run of more functions than one script has time for is left as it is.
--
-- KEYS     leftovers  renewed  run  run_active  run_missing  runs
-- ARGV     run  str
-- RETURNS  {'mended'}
--          {'kept'}     it is too large, or work of runs is left over: it is looked at again later
-- @include settle  jobs/job  jobs/rq_dependencies  nodes/shared  runs/members  runs/run  runs/tokens  texts/number  texts/run_id
-- @include texts/timer

local MOST = 1000

local ENDED = {finished = 'finished', failed = 'failed', stopped = 'failed', canceled = 'canceled'}

local HAS_ENDED = {finished = true, failed = true, canceled = true}

-- As long as for one whose client has just said that it is there.
local LOAD_MS = 60000

local fields = redis.call('HMGET', K.run .. run, 'state', 'total', 'limit', 'reason', 'created_ms', 'ended_ms')
local state, total, limit = fields[1], Number.whole(fields[2], 0, MOST), Number.whole(fields[3]) or 0
if redis.call('EXISTS', K.leftovers) == 1 then
  return {'kept'}
end
if state then
  redis.call('ZADD', K.runs, 'NX', Number.text(Number.whole(fields[5]) or Call.wall), run)
end
if state == 'loading' then
  redis.call('ZADD', K.renewed, 'NX', Number.text(Call.uptime + LOAD_MS), Timer.of('load', run))
elseif HAS_ENDED[state] and not Number.whole(fields[6]) then
  redis.call('HSET', K.run .. run, 'ended_ms', Number.text(Call.wall))
elseif state and not HAS_ENDED[state] and state ~= 'running' and state ~= 'stopping' then
  -- Nobody knows what that is: it goes on, or is stopped anew.
  state = 'running'
  redis.call('HSET', K.run .. run, 'state', state)
  if fields[4] then
    state = 'stopping'
    Run.stop(run, fields[4])
  end
end
local is_going_on = state == 'running' or state == 'stopping' or state == 'loading'
local token = RunId.token(run)
local shared = Shared.load()
if is_going_on and limit > 0 and not shared.cap[token] then
  Tokens.add(run, limit)
elseif not is_going_on and shared.cap[token] then
  Tokens.drop(run)
end
if state ~= 'running' and state ~= 'stopping' then
  return {'mended'}
end
if not total then
  return {'kept'}
end

-- How many of its dependencies have not finished.
local function to_come(id)
  local count = 0
  for _, each in ipairs(redis.call('SMEMBERS', RqDependencies.key(id))) do
    if Job.get(each, 'status') ~= 'finished' then
      count = count + 1
    end
  end
  return count
end

local counts = {finished = 0, failed = 0, canceled = 0}
for i = 1, total do
  local number = Number.text(i)
  local id = RunId.job(run, number)
  local status, finer = Job.get(id, 'status', 'state')
  local ended = ENDED[status or '']
  if ended and not Members.has(run, number) then
    counts[ended] = counts[ended] + 1
  elseif status == 'deferred' and finer == 'deferred' and not Members.is_active(run, number) then
    local missing = to_come(id)
    if missing > 0 then
      redis.call('HSET', K.run_missing .. run, number, missing)
    end
  elseif status and not ended and not Members.has(run, number) then
    redis.call('SADD', K.run_active .. run, number)
  end
end
for kind, count in pairs(counts) do
  redis.call('HSET', K.run .. run, 'n_' .. kind, count)
end
for i = 1, total do
  local number = Number.text(i)
  local status = Job.get(RunId.job(run, number), 'status')
  if Members.has(run, number) and (not status or ENDED[status]) then
    Run.leave({id = RunId.job(run, number), run = run, status = status or nil}, status or 'canceled')
  end
end
Run.end_if_empty(run)
Settle.go_on(16)
return {'mended'}
