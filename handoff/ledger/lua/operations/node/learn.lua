-- Keep samples of what functions have used, by the name of what they call; each name is forgotten some time after its last.
--
-- A repeat changes nothing but that time.
--
-- KEYS     learned  learners  took
-- ARGV     name     str   the node
--          epoch    str   of this agent's registration
--          ttl_ms   int   that time
--          samples  list  of each the name of what was called, its place among those that are kept of that name, the
--                         sample (texts/number_list): MB, us of processors and us that it took, and units of memory and
--                         of cpu that it had declared; and of one in a graph the number of its id, else ''
-- RETURNS  {'learned'}
--          {'stale'}  the node has another epoch: nothing of it is this agent's
-- @include arguments  nodes/lapse  texts/number  texts/number_list

local VALUES, PLACES, LONGEST_NAME, LONGEST_SAMPLE, LARGEST_ID = 4, 64, 1024, 100, 2 ^ 32 - 1

-- Of so many ids of a name is kept how long they took: some 70 bytes each.
local MOST_IDS = 512

local TOOK = 3

-- One that is too many takes the place of any: which of a large graph are kept does not matter, and none has to say when.
local function keep_duration(key, id, sample)
  local us = NumberList.read(sample)[TOOK]
  if us and us ~= '0' and redis.call('HSET', key, id, us) == 1 and redis.call('HLEN', key) > MOST_IDS then
    redis.call('HDEL', key, redis.call('HRANDFIELD', key))
  end
end

Arguments.check('ttl_ms', ttl_ms > 0)
Arguments.check('samples', (#ARGV - samples_first + 1) % VALUES == 0)
for i = samples_first, #ARGV, VALUES do
  Arguments.check('samples', #ARGV[i] <= LONGEST_NAME and Number.whole(ARGV[i + 1], 0, PLACES - 1) ~= nil
    and #ARGV[i + 2] <= LONGEST_SAMPLE and NumberList.is_sound(ARGV[i + 2])
    and (ARGV[i + 3] == '' or Number.whole(ARGV[i + 3], 0, LARGEST_ID) ~= nil))
end

if not Lapse.own_node(name, epoch) then
  return {'stale'}
end
for i = samples_first, #ARGV, VALUES do
  local key, took, id = K.learned .. ARGV[i], K.took .. ARGV[i], ARGV[i + 3]
  redis.call('HSET', key, ARGV[i + 1], ARGV[i + 2])
  if id ~= '' then
    keep_duration(took, id, ARGV[i + 2])
  end
  if ARGV[i + VALUES] ~= ARGV[i] then
    redis.call('PEXPIRE', key, ttl_ms)
    redis.call('PEXPIRE', took, ttl_ms)
    redis.call('ZADD', K.learners, Call.now + ttl_ms, ARGV[i])
  end
end
redis.call('ZREMRANGEBYSCORE', K.learners, '-inf', Call.now)
-- Nodes may differ in how long they have it kept.
local last = redis.call('ZREVRANGE', K.learners, 0, 0, 'WITHSCORES')[2]
if last then
  redis.call('PEXPIRE', K.learners, Number.text(last - Call.now))
end
return {'learned'}
