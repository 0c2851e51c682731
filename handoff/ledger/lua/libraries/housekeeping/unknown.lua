-- Timers, and what is left over, of kinds that this version does not know: they stay in their key, behind all others and
-- with how far they had come, until a version comes by that knows them.
--
-- KEYS     leftovers  renewed  timers
-- @include texts/number  time/events

-- More than any moment in ms, or any number of functions; what is added to it is exact below 2^53.
local BEHIND = 2 ^ 52

-- Of one key and one look.
local SLICE = 128

local MOST_NAMED = 4

function Unknown.is_behind(score)
  return score >= BEHIND
end

function Unknown.set_behind(key, text, score)
  redis.call('ZADD', key, Number.text(BEHIND + score), text)
  Events.emit('unknown', 'what', text)
end

-- What is known after all is due as it was; the names of some others are added to `named`.
local function look(key, knows, named)
  local found = redis.call('ZRANGEBYSCORE', key, Number.text(BEHIND), '+inf', 'WITHSCORES', 'LIMIT', 0, SLICE)
  for i = 1, #found, 2 do
    if knows(found[i]) then
      redis.call('ZADD', key, Number.text(tonumber(found[i + 1]) - BEHIND), found[i])
    elseif #named < MOST_NAMED then
      named[#named + 1] = found[i]
    end
  end
end

-- Both are told a text, and tell whether this version knows its kind. -> some of those that none knows
function Unknown.look(knows_timer, knows_leftover)
  local named = {}
  look(K.timers, knows_timer, named)
  look(K.renewed, knows_timer, named)
  look(K.leftovers, knows_leftover, named)
  return named
end
