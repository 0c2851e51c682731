-- Take a piece of a large result, to which a `finish` will refer: what travels so holds up neither beats nor other results.
--
-- Whoever sends it goes on from what there is, also after a lost reply, or where Redis was rolled back. Of a parcel that
-- nobody fetches nothing is left after ten minutes.
--
-- KEYS     parcel
-- ARGV     token   str   names the parcel
--          offset  int   where the piece begins
--          piece   str
-- RETURNS  {'has', bytes}  so much of it is there

local KEPT_MS = 600000

local key = K.parcel .. token
local length = redis.call('STRLEN', key)
if length == offset then
  length = redis.call('APPEND', key, piece)
end
redis.call('PEXPIRE', key, KEPT_MS)
return {'has', length}
