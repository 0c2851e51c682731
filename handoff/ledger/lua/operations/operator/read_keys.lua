-- Read some keys as of one moment, for a check that goes by keys alone, whatever other scripts make of them.
--
-- What is of another type is answered as an error in its place.
--
-- ARGV     reads  list  of each: the command, how many arguments it has, and these
-- RETURNS  {'read', wall_ms, {reply, ...}}
-- @include arguments
-- @flags no-writes

local READS = {EXISTS = true, GET = true, GETBIT = true, HGET = true, HGETALL = true, HLEN = true, HMGET = true,
  LLEN = true, LPOS = true, PTTL = true, SCARD = true, SISMEMBER = true, SMEMBERS = true, STRLEN = true, TYPE = true, XLEN = true, ZCARD = true,
  ZRANGE = true, ZRANGEBYSCORE = true, ZSCORE = true}

local replies, i = {}, reads_first
while i <= #ARGV do
  local count = tonumber(ARGV[i + 1])
  Arguments.check('reads', READS[ARGV[i]] and count ~= nil)
  replies[#replies + 1] = redis.pcall(ARGV[i], unpack(ARGV, i + 2, i + 1 + count))
  i = i + 2 + count
end
return {'read', Call.wall, replies}
