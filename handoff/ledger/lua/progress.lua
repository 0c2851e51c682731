-- Read how far a run has come, a page at a time: its counts, and those of its functions that are ready and not ended.
--
-- KEYS     run  run_active  run_missing  run_groups  rq_job  delayed
-- ARGV     run     str
--          cursor  str   '0' at first
--          now_ms  int   0 = the server's clock
-- RETURNS  {'progress', cursor, {field, value, ...}, {number, status, state, node, demand, attempts, about, ...},
--              {demand, able, ...}, now}
--              cursor: '0' = the end; about: of one that is delayed until when, ms, of one that is parked the number
--              of the one that chooses its node, else ''; able: how many live nodes could hold, idle, what waits and
--              asks for that: of as many distinct demands as are looked at
--          {'unknown'}
-- @include lib/find
-- @include lib/lapse

local PAGE = 200

-- Some 40 us each where nothing is known of it yet.
local MOST_JUDGED = 64

local now = clock(now_ms)
local fields = redis.call('HGETALL', K.run .. run)
if #fields == 0 then
  return {'unknown'}
end
lapse_leases(now)
fields[#fields + 1], fields[#fields + 2] = 'n_deferred',
  tostring(redis.call('HLEN', K.run_missing .. run))
local page = redis.call('SSCAN', K.run_active .. run, cursor, 'COUNT', PAGE)
local active, able, judged = {}, {}, {}
for _, number in ipairs(page[2]) do
  local id = run .. '-' .. number
  local job = redis.call('HMGET', K.rq_job .. id, 'status', 'h_state', 'h_node', 'h_demand', 'h_attempts', 'h_group')
  local state, demand, about = job[2], job[4], nil
  if state == 'delayed' then
    about = redis.call('ZSCORE', K.delayed, id)
  elseif state == 'parked' and job[6] then
    about = redis.call('HGET', K.run_groups .. run, job[6] .. '|chooser')
  elseif state == 'waiting' and demand and not judged[demand] and #able < 2 * MOST_JUDGED then
    judged[demand] = true
    able[#able + 1], able[#able + 2] = demand, count_able(demand_of(demand))
  end
  active[#active + 1] = number
  for i = 1, 5 do
    active[#active + 1] = job[i] or ''
  end
  active[#active + 1] = about or ''
end
return {'progress', page[1], fields, active, able, now}
