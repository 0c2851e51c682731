-- Tell of claims through the tracker, a page at a time: what each holds, whose it is, since when, and for how long yet.
--
-- KEYS     claim_ends  claim_owners  claims  reservations
-- ARGV     cursor  str   '0' at first
-- RETURNS  {'claims', cursor, {id, node, record, owner, ends, ...}, now}  cursor: '0' = the end; record: texts/reservation;
--                                                                       ends: ms, 0 = when it is released
-- @include texts/cursor
-- @flags no-writes

local PAGE = 100

local page = redis.call('HSCAN', K.claims, Cursor.of_scan(cursor), 'COUNT', PAGE)
local told = {}
for i = 1, #page[2], 2 do
  local id, name = page[2][i], page[2][i + 1]
  local record = redis.call('HGET', K.reservations .. name, id)
  local ends = tonumber(redis.call('ZSCORE', K.claim_ends, id) or 0)
  -- Of one that is over, or whose node is, nobody may have taken note yet.
  if record and (ends == 0 or ends > Call.now) then
    for _, value in ipairs({id, name, record, redis.call('HGET', K.claim_owners, id) or '', ends}) do
      told[#told + 1] = value
    end
  end
end
return {'claims', page[1], told, Call.now}
