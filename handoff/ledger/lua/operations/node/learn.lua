-- Keep samples of what functions have used, by the name of what they call; each name is forgotten some time after its last.
--
-- A repeat changes nothing but that time.
--
-- KEYS     learned  learners
-- ARGV     name     str   the node
--          epoch    str   of this agent's registration
--          samples  list  of each the name of what was called, its place among those that are kept of that name, and the
--                         sample (texts/number_list): MB, us of processors and us that it took, and units of memory and
--                         of cpu that it had declared
-- RETURNS  {'learned'}
--          {'stale'}  the node has another epoch: nothing of it is this agent's
-- @include arguments  nodes/lapse  texts/number  texts/number_list

local VALUES, PLACES, LONGEST_NAME, LONGEST_SAMPLE = 3, 64, 1024, 100

-- Thirty days.
local TTL_MS = 30 * 24 * 3600 * 1000

Arguments.check('samples', (#ARGV - samples_first + 1) % VALUES == 0)
for i = samples_first, #ARGV, VALUES do
  Arguments.check('samples', #ARGV[i] <= LONGEST_NAME and Number.whole(ARGV[i + 1], 0, PLACES - 1) ~= nil
    and #ARGV[i + 2] <= LONGEST_SAMPLE and NumberList.is_sound(ARGV[i + 2]))
end

if not Lapse.own_node(name, epoch) then
  return {'stale'}
end
for i = samples_first, #ARGV, VALUES do
  local key = K.learned .. ARGV[i]
  redis.call('HSET', key, ARGV[i + 1], ARGV[i + 2])
  redis.call('PEXPIRE', key, TTL_MS)
  redis.call('ZADD', K.learners, Call.now, ARGV[i])
end
redis.call('ZREMRANGEBYSCORE', K.learners, '-inf', Call.now - TTL_MS)
redis.call('PEXPIRE', K.learners, TTL_MS)
return {'learned'}
