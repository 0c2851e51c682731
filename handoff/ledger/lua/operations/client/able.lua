-- Of demands how many live nodes could hold any of their costs when idle.
--
-- ARGV     demands  list  texts/demand; some 40 us for each of which nothing is known yet
-- RETURNS  {'able', {count, ...}}  in their order; -1 of what is no demand
-- @include nodes/feasible  nodes/lapse  nodes/scratch  texts/demand
-- @flags allow-oom

Scratch.allow_when_full()
Lapse.leases()
local counts, known = {}, {}
for i = demands_first, #ARGV do
  local demand = ARGV[i]
  if not known[demand] then
    known[demand] = Demand.is_sound(demand) and Feasible.count(Demand.read(demand)) or -1
  end
  counts[#counts + 1] = known[demand]
end
return {'able', counts}
