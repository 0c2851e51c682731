-- Set how much the whole cluster shares of the resources named; the others stay as they are.
--
-- KEYS     live  nodes
-- ARGV     amounts    str   texts/cost: 0 takes one away
-- RETURNS  {'shared', {resource, units, ...}}  all that is shared now
--          {'taken', resource, node}           a node has that one for itself; nothing was written
-- @include settle  nodes/dirty  nodes/fronts  nodes/holds  nodes/index  nodes/judged  nodes/lapse  nodes/node  nodes/scratch
-- @include nodes/shared  texts/cost  texts/number  time/events
-- @include arguments  layout

Arguments.check('amounts', Cost.is_sound(amounts, 0))
Lapse.leases()
local wanted = Cost.read(amounts)
local shared = Shared.load()
for _, want in ipairs(wanted) do
  local resource, units = want[1], want[2]
  -- On that node two functions would each be sure of it.
  local having = units > 0 and not shared.cap[resource] and Index.satisfying('cap', K.live, {{resource, 1}})
  local position = having and Scratch.first(having) or -1
  Scratch.drop()
  if position >= 0 then
    return {'taken', resource, Node.at(position).name}
  end
end
Layout.mark()
shared = Shared.open()
Holds.lift(shared)
local was_given_up = false
for _, want in ipairs(wanted) do
  local resource, units = want[1], want[2]
  if units == 0 then
    was_given_up = was_given_up or shared.cap[resource] ~= nil
    Shared.withdraw(resource)
  else
    Node.set_capacity(shared, resource, units)
  end
end
Node.write(shared)
Shared.set_tried({})
Fronts.recall()
Judged.forget()
Dirty.mark(Shared.NAME)
if was_given_up then
  -- From now on it is what each node has of it that counts.
  for _, name in ipairs(redis.call('ZRANGE', K.nodes, 0, -1)) do
    Dirty.mark(name)
  end
end
local listed = {}
for resource, units in pairs(shared.cap) do
  listed[#listed + 1], listed[#listed + 2] = resource, Number.text(units)
end
Holds.close_shared()
Events.emit('shared', 'amounts', amounts)
Settle.go_on(16)
return {'shared', listed}
