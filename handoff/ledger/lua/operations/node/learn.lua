-- Keep samples of what functions have used, by the name of what they call; each name is forgotten some time after its last.
--
-- A repeat changes nothing but that time, and which are kept of too many.
--
-- KEYS     learned  learners  took
-- ARGV     name     str   the node
--          epoch    str   of this agent's registration
--          ttl_ms   int   that time
--          samples  list  of each the name of what was called, the number of the attempt, the sample
--                         (texts/number_list): MB, us of processors and us that it took, and units of memory and
--                         of cpu that it had declared; and of one in a graph the number of its id, else ''
-- RETURNS  {'learned'}
--          {'stale'}  the node has another epoch: nothing of it is this agent's
-- @include arguments  nodes/lapse  texts/number  texts/number_list

local VALUES, LONGEST_NAME, LONGEST_SAMPLE, LARGEST_NUMBER = 4, 1024, 100, 2 ^ 32 - 1

-- So many samples are kept of a name, and of so many ids how long they took: some 70 bytes each.
local MOST_SAMPLES, MOST_IDS = 64, 512

local TOOK = 3

-- One that is too many takes the place of any: which are kept does not matter, and none has to say when.
local function keep(key, number, value, most)
  if redis.call('HSET', key, number, value) == 1 and redis.call('HLEN', key) > most then
    redis.call('HDEL', key, redis.call('HRANDFIELD', key))
  end
end

local function keep_duration(key, id, sample)
  local us = NumberList.read(sample)[TOOK]
  if us and us ~= '0' then
    keep(key, id, us, MOST_IDS)
  end
end

Arguments.check('ttl_ms', ttl_ms > 0)
Arguments.check('samples', (#ARGV - samples_first + 1) % VALUES == 0)
for i = samples_first, #ARGV, VALUES do
  Arguments.check('samples', #ARGV[i] <= LONGEST_NAME and Number.whole(ARGV[i + 1], 0, LARGEST_NUMBER) ~= nil
    and #ARGV[i + 2] <= LONGEST_SAMPLE and NumberList.is_sound(ARGV[i + 2])
    and (ARGV[i + 3] == '' or Number.whole(ARGV[i + 3], 0, LARGEST_NUMBER) ~= nil))
end

if not Lapse.own_node(name, epoch) then
  return {'stale'}
end
for i = samples_first, #ARGV, VALUES do
  local key, took, id = K.learned .. ARGV[i], K.took .. ARGV[i], ARGV[i + 3]
  keep(key, ARGV[i + 1], ARGV[i + 2], MOST_SAMPLES)
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
