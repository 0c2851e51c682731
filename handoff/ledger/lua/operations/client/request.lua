-- Claim a cost on one node.
--
-- KEYS     reservations
-- ARGV     name    str
--          id      str   of the claim, made by the caller: asked again, it answers the same
--          cost    str   texts/cost
--          ttl_ms  int   0 = until it is released
--          owner   str   whose it is, '' = nobody says
-- RETURNS  {'reserved', devices}
--          {'short', {resource, units, ...}}  missing; nothing changed
--          {'unknown'}                        no live node has that name
-- @include claims/claims  claims/shortage  nodes/fit  nodes/node  texts/reservation  texts/shape
-- @include arguments

Arguments.check('cost', Shape.is_sound(cost))
Claims.catch_up(name)
local node = Node.live(name)
if not node then
  return {'unknown'}
end
local record = redis.call('HGET', K.reservations .. name, id)
if record then
  local _, devices = Reservation.read(record)
  return {'reserved', devices}
end
local shape = Shape.read(cost)
if not Fit.now(node, shape, Fit.CLAIMS) then
  return {'short', Shortage.of(shape.wants, Shortage.free_on(node, Fit.CLAIMS), Shortage.excess_of(node))}
end
return {'reserved', Claims.make(node, id, cost, ttl_ms, owner)}
