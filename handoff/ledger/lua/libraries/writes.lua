-- Entries that come to a key, or leave it, gathered: one command for each key, when the script ends, or before somebody
-- looks there, or writes there by another command.
--
-- STATE    gathered  {}  key -> {command, key, argument, ...}
-- @finally save

-- Lua unpacks at most 8,000 values.
local MOST = 1000

-- The command of a key with one argument more, or two: of one key always the same.
function Writes.add(command, key, first, second)
  local gathered = Call.gathered[key]
  local size = gathered and #gathered
  if not size or size > MOST then
    Writes.settle(key)
    Call.gathered[key] = {command, key, first, second}
    return
  end
  gathered[size + 1], gathered[size + 2] = first, second
end

-- Do what is to be done to a key. -> the key
function Writes.settle(key)
  local gathered = Call.gathered[key]
  if gathered then
    Call.gathered[key] = nil
    redis.call(unpack(gathered))
  end
  return key
end

function Writes.save()
  for key in pairs(Call.gathered) do
    Writes.settle(key)
  end
end
