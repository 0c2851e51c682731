-- What is reserved of what all share, a page at a time: a record of it whose node has none any more, as on a server that
-- evicts, is given back.
--
-- KEYS     claims  nodes  reservations  sweep
-- @include jobs/job  nodes/reservations  nodes/shared  texts/cursor  texts/reservation  writes

local SLICE = 16

-- Where the record of the node has to be, by the function or the claim; nil where that is gone too.
local function node_of(id)
  local job_id = Reservation.parts(id)
  return job_id and Job.get(job_id, 'node') or (not job_id and redis.call('HGET', K.claims, id)) or nil
end

local function is_anywhere(id)
  for _, name in ipairs(redis.call('ZRANGE', K.nodes, 0, -1)) do
    if Reservations.has(name, id) then
      return true
    end
  end
  return false
end

function TokenSweep.go_on()
  local cursor = Cursor.of_scan(redis.call('HGET', K.sweep, 'tokens'))
  local page = redis.call('HSCAN', Writes.settle(K.reservations .. Shared.NAME), cursor, 'COUNT', SLICE)
  redis.call('HSET', K.sweep, 'tokens', page[1])
  local was_searched = false
  for i = 1, #page[2], 2 do
    local id = page[2][i]
    local name = node_of(id)
    if not (name and Reservations.has(name, id)) and not was_searched then
      -- Of all nodes, which takes its time: one of them a tick.
      was_searched = true
      if not is_anywhere(id) then
        Reservations.give_back_tokens(id)
      end
    end
  end
end
