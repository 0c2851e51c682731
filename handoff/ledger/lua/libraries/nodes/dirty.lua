-- Nodes that are to be tried with what waits: work that is left over, as state. Of what all share the mark says from which
-- rank on.
--
-- KEYS     dirty
-- @include nodes/shared  texts/number  rare

local ALL = '-inf'

function Dirty.mark(name)
  redis.call('ZADD', Rare.write(K.dirty), ALL, name)
end

-- Those behind the rank `after` (nil: all that wait) are still to be tried with what is shared, if nothing says more.
function Dirty.mark_shared(after)
  redis.call('ZADD', Rare.write(K.dirty), 'NX', after and Number.text(after) or ALL, Shared.NAME)
end

-- A walk over those that want shared tokens that has come further than this rank would now miss it.
function Dirty.turn_back(rank)
  local after = not Rare.is_absent(K.dirty) and tonumber(redis.call('ZSCORE', K.dirty, Shared.NAME) or nil)
  if after and after >= rank then
    redis.call('ZADD', K.dirty, Number.text(rank - 1), Shared.NAME)
  end
end

function Dirty.forget(name)
  redis.call('ZREM', K.dirty, name)
end

local function rank_of(score)
  return score ~= ALL and tonumber(score) or nil
end

-- Take the mark of what is shared off. -> whether there was one, and behind which rank it goes on
function Dirty.take_shared()
  local score = redis.call('ZSCORE', K.dirty, Shared.NAME)
  if not score then
    return false
  end
  Dirty.forget(Shared.NAME)
  return true, rank_of(score)
end

-- Take a mark off: it may be set again while its node is being filled. -> the name, and behind which rank it goes on
function Dirty.next()
  local first = redis.call('ZRANGE', K.dirty, 0, 0, 'WITHSCORES')
  if not first[1] then
    return nil
  end
  Dirty.forget(first[1])
  return first[1], rank_of(first[2])
end
