-- Read how far a run has come, a page at a time: its counts, and those of its functions that are ready and not ended.
--
-- KEYS     delayed  run  run_active  run_missing
-- ARGV     run     str
--          cursor  str   '0' at first
-- RETURNS  {'progress', cursor, {field, value, ...}, {number, status, state, node, demand, attempts, about, ...},
--              {demand, able, ...}, now}
--              cursor: '0' = the end; about: of one that is delayed until when, ms, of one that is parked the number
--              of the one that chooses its node, else ''; able: how many live nodes could hold, idle, what waits and
--              asks for that: of as many distinct demands as are looked at
--          {'unknown'}
-- @include jobs/job  nodes/feasible  nodes/lapse  nodes/scratch  runs/groups  texts/demand  texts/run_id
-- @flags allow-oom

local PAGE = 200

-- Some 40 us each where nothing is known of it yet.
local MOST_JUDGED = 64

Scratch.allow_when_full()
local fields = redis.call('HGETALL', K.run .. run)
if #fields == 0 then
  return {'unknown'}
end
Lapse.leases()
fields[#fields + 1], fields[#fields + 2] = 'n_deferred', tostring(redis.call('HLEN', K.run_missing .. run))
local page = redis.call('SSCAN', K.run_active .. run, cursor, 'COUNT', PAGE)
local active, able, judged = {}, {}, {}
for _, number in ipairs(page[2]) do
  local id = RunId.job(run, number)
  local status, state, node, demand, attempts, group =
    Job.get(id, 'status', 'state', 'node', 'demand', 'attempts', 'group')
  local about
  if state == 'delayed' then
    about = redis.call('ZSCORE', K.delayed, id)
  elseif state == 'parked' and group then
    about = Groups.chooser(run, group)
  elseif state == 'waiting' and demand and not judged[demand] and #able < 2 * MOST_JUDGED then
    judged[demand] = true
    able[#able + 1], able[#able + 2] = demand, Feasible.count(Demand.read(demand))
  end
  for _, value in ipairs({number, status or '', state or '', node or '', demand or '', attempts or '', about or ''}) do
    active[#active + 1] = value
  end
end
return {'progress', page[1], fields, active, able, Call.now}
