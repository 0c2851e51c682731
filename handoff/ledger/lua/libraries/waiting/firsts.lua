-- The first of a ZSET of ranks, read some at a time: one script may start several of them, one after the other. What comes
-- to the ZSET, or leaves it, does so at the script's end, or before somebody looks.
--
-- STATE    firsts    {}  key -> {page = {id, rank, ...} from `at` on, is_all: whether nobody comes behind these}
--          expected  1   how many of one key are started, as far as this script knows
-- @include writes

-- Where more are started than were expected, they are many.
local MANY = 16

local function look(key, count)
  local page = redis.call('ZRANGE', Writes.settle(key), 0, count - 1, 'WITHSCORES')
  local known = {page = page, at = 1, is_all = #page < 2 * count}
  Call.firsts[key] = known
  return known
end

-- As many are given room as that: mostly they are of one line.
function Firsts.expect(count)
  Call.expected = math.max(1, math.min(count, MANY))
end

-- -> id, rank as text; nil where there is none
function Firsts.of(key)
  -- When all that are expected have started, the next one is the first.
  local known = Call.firsts[key] or look(key, Call.expected + 1)
  local page, at = known.page, known.at
  if not page[at] and not known.is_all then
    page, at = look(key, MANY).page, 1
  end
  return page[at], page[at + 1]
end

-- -> whether it was known to be there
function Firsts.take_off(key, id)
  Writes.add('ZREM', key, id)
  local known = Call.firsts[key]
  if not known then
    return false
  end
  local page = known.page
  if page[known.at] == id then
    known.at = known.at + 2
    return true
  end
  for i = known.at, #page, 2 do
    if page[i] == id then
      table.remove(page, i)
      table.remove(page, i)
      return true
    end
  end
  return false
end

-- -> how many were not there, 0 or 1, where it is done at once
function Firsts.put(key, id, rank)
  Call.firsts[key] = nil
  return Writes.add('ZADD', key, rank, id)
end

-- Many at once, {rank, id, ...}. -> how many were not there
function Firsts.put_all(key, ranks)
  Call.firsts[key] = nil
  return redis.call('ZADD', Writes.settle(key), unpack(ranks))
end
