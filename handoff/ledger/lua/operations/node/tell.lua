-- Keep what functions tell that run on a node. What is told of an attempt that does not run there any more is dropped.
--
-- A repeat changes nothing but the time of a progress.
--
-- ARGV     name   str   the node
--          epoch  str   of this agent's registration
--          told   list  texts/told, one behind the other
-- RETURNS  {'told'}
--          {'stale'}  the node has another epoch: nothing of it is this agent's
-- @include arguments  jobs/telling  nodes/lapse  texts/told

Arguments.check('told', (#ARGV - told_first + 1) % Told.VALUES == 0)
for i = told_first, #ARGV, Told.VALUES do
  Arguments.check('told', Told.is_sound(ARGV, i))
end

if not Lapse.own_node(name, epoch) then
  return {'stale'}
end
for i = told_first, #ARGV, Told.VALUES do
  local reservation, kind, number, value = Told.read(ARGV, i)
  local job = Telling.job(reservation)
  if job then
    Telling.take(job, kind, number, value)
  end
end
return {'told'}
