-- Bring the data from an older layout to that of this version, in one step: all of it, or nothing.
--
-- Not while an agent lives that knows the older one: it would be cut off from what it runs. The time is noted meanwhile, so
-- that the leases of those that are gone run out: what tells the time is read alike by all versions. What a layout needs
-- beside its number is done here, before that is written.
--
-- KEYS     leases
-- RETURNS  {'upgraded'}             also where it was before
--          {'served', {node, ...}}  agents of the older version live there: some of them; nothing was changed
--          {'layout', found}        that is no older one
-- @unguarded
-- @include layout  texts/number  time/clock  time/events

local MOST_NAMED = 4

local found = Layout.other()
if not found then
  return {'upgraded'}
end
if (Number.whole(found) or Number.MOST) > tonumber(Call.layout) then
  return {'layout', found}
end
Clock.note()
local served = redis.call('ZRANGEBYSCORE', K.leases, '(' .. Number.text(Call.uptime), '+inf', 'LIMIT', 0, MOST_NAMED)
if #served > 0 then
  return {'served', served}
end
Layout.mark()
Events.emit('upgraded', 'from', found, 'to', Call.layout)
return {'upgraded'}
