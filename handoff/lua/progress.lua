-- Read how far a run has come, a page at a time: its counts, and those of its functions that are ready and not ended.
--
-- KEYS     run  run_active  run_missing  rq_job
-- ARGV     run     str
--          cursor  str   '0' at first
-- RETURNS  {'progress', cursor, {field, value, ...}, {number, status, state, node, demand, ...}}  cursor '0' = the end
--          {'unknown'}

local PAGE = 200

local fields = redis.call('HGETALL', K.run .. run)
if #fields == 0 then
  return {'unknown'}
end
fields[#fields + 1], fields[#fields + 2] = 'n_deferred',
  tostring(redis.call('HLEN', K.run_missing .. run))
local page = redis.call('SSCAN', K.run_active .. run, cursor, 'COUNT', PAGE)
local active = {}
for _, number in ipairs(page[2]) do
  local job = redis.call('HMGET', K.rq_job .. run .. '-' .. number, 'status', 'h_state', 'h_node', 'h_demand')
  active[#active + 1] = number
  for i = 1, 4 do
    active[#active + 1] = job[i] or ''
  end
end
return {'progress', page[1], fields, active}
