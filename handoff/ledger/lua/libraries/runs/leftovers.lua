-- What follows from an end in a run may be more than one script has the budget for: it is left over, as texts/leftover with
-- how far it has come. What a script leaves itself is in memory until its end, so an ordinary end writes none of it.
--
-- KEYS     leftovers
-- STATE    leftovers  {}  those of this script, {text, how far}
--          taken      0   how many of them are taken up
-- @finally save
-- @include housekeeping/unknown  texts/leftover  rare

-- `number` is that of a function or a group, if it is about one.
function Leftovers.add(kind, run, number)
  Call.leftovers[#Call.leftovers + 1] = {Leftover.write(kind, run, number or '0'), 0}
end

-- Whether this script has left any.
function Leftovers.any()
  return Call.taken < #Call.leftovers
end

-- -> {text, how far it has come}, {} where there is none
local function first_known()
  local first = redis.call('ZRANGE', K.leftovers, 0, 0, 'WITHSCORES')
  return first[1] and not Unknown.is_behind(tonumber(first[2])) and first or {}
end

-- The next thing to be done: what this script left first, else what others left. -> its text, how far it has come
function Leftovers.next()
  if Leftovers.any() then
    Call.taken = Call.taken + 1
    return unpack(Call.leftovers[Call.taken])
  end
  local first = first_known()
  if first[1] then
    redis.call('ZREM', K.leftovers, first[1])
  end
  return first[1], tonumber(first[2])
end

-- Whether others have left any that this version knows.
function Leftovers.are_stored()
  return first_known()[1] ~= nil
end

-- This version does not know what that is.
function Leftovers.set_behind(text, from)
  Unknown.set_behind(Rare.write(K.leftovers), text, from)
end

-- It has come so far, and there is more of it.
function Leftovers.put_back(text, from)
  redis.call('ZADD', Rare.write(K.leftovers), from, text)
end

function Leftovers.save()
  if not Call.leftovers[1] then
    return
  end
  for i = Call.taken + 1, #Call.leftovers do
    redis.call('ZADD', K.leftovers, Call.leftovers[i][2], Call.leftovers[i][1])
  end
  Call.leftovers, Call.taken = {}, 0
end
