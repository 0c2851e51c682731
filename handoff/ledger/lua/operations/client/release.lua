-- Give a claim back, and start what fits into the room.
--
-- KEYS     claims  released
-- ARGV     id         str
--          token      str   names this call: asked again, it answers the same
-- RETURNS  {'released'}
--          {'gone'}      it was released before, ran out, or its node is gone
-- @include settle  claims/claims  nodes/node  waiting/wake
-- @flags allow-oom

local REMEMBER_MS = 600000

Claims.catch_up()
local name = redis.call('HGET', K.claims, id)
local node = name and Node.live(name)
if not node then
  return {redis.call('GET', K.released .. id) == token and 'released' or 'gone'}
end
Claims.give_back(node, id, 'released')
redis.call('SET', K.released .. id, token, 'PX', REMEMBER_MS)
Wake.node(node, 32)
Settle.go_on(8)
return {'released'}
