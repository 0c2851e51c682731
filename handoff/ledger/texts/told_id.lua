-- The entry of a stream of what is told, `<placement>-<number>`: a number is given once in an attempt, and grows.

function ToldId.of(placement, number)
  return placement .. '-' .. number
end

-- -> placement and number, as numbers
function ToldId.read(id)
  local placement, number = string.match(id, '^(%d+)-(%d+)$')
  return tonumber(placement or 0), tonumber(number or 0)
end
