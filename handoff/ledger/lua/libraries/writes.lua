-- Entries that come to a key, or leave it, gathered: one command for each key, when the script ends, or before somebody
-- looks there, or writes there by another command.
--
-- STATE    gathered    {}   key -> {command, key, argument, ...}
--          is_at_once  nil  whether nothing is gathered
-- @finally save

-- Lua unpacks at most 8,000 values.
local MOST = 1000

-- Of a script that writes one of each, to gather it takes as long as to write it.
function Writes.begin_at_once()
  Call.is_at_once = true
end

function Writes.are_at_once()
  return Call.is_at_once
end

-- The command of a key with one argument more, or two. Another one of that key is done before.
-- -> its reply, where it is done at once
function Writes.add(command, key, first, second)
  local gathered = Call.gathered[key]
  local size = gathered and gathered[1] == command and #gathered
  if size and size <= MOST then
    gathered[size + 1], gathered[size + 2] = first, second
  elseif Call.is_at_once then
    return second and redis.call(command, key, first, second) or redis.call(command, key, first)
  else
    Writes.settle(key)
    Call.gathered[key] = {command, key, first, second}
  end
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
