-- What a function tells while it runs, as its agent sends it: reservation, kind, number, value.
--
-- `progress`: how far it is, from 0 to 1, and what it says to that. `part` and `output`: which of what it has yielded or, by
-- its end, printed, and that. `kept`: the first part that is kept. `dropped`: output that is not, by its end.
--
-- @include texts/number  texts/reservation

Told.VALUES = 4

local KINDS = {part = true, output = true, kept = true, dropped = true}

function Told.is_sound(values, first)
  local kind, number = values[first + 1], values[first + 2]
  if not Reservation.parts(values[first]) then
    return false
  end
  return (kind == 'progress' and tonumber(number) ~= nil) or (KINDS[kind] == true and Number.whole(number, 1) ~= nil)
end

-- -> reservation, kind, number, value
function Told.read(values, first)
  return values[first], values[first + 1], values[first + 2], values[first + 3]
end
