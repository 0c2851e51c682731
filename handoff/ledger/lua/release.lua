-- Give a claim back, and start what fits into the room.
--
-- KEYS     claims  released
-- ARGV     lobby      str
--          id         str
--          token      str   names this call: asked again, it answers the same
--          lost_text  str   exc_string of a function lost with its node
--          now_ms     int   0 = the server's clock
-- RETURNS  {'released'}
--          {'gone'}      it was released before, ran out, or its node is gone
-- @include lib/claim

local REMEMBER_MS = 600000

local now = clock(now_ms)
notice(lobby, now)
local name = redis.call('HGET', K.claims, id)
local node = name and live_node(name)
if not node then
  return {redis.call('GET', K.released .. id) == token and 'released' or 'gone'}
end
drop_claim(id)
give_back(node, id, 'released', now)
redis.call('SET', K.released .. id, token, 'PX', REMEMBER_MS)
wake(node, lobby, now, 32)
settle(lost_text, lobby, now, 8)
return {'released'}
