-- Keep what recurs under a name, in place of what recurred under it before.
--
-- Where it recurs at the same moments as before, what was due stays due, and it stays paused. Asked again it does no more.
--
-- KEYS     schedule  schedules
-- ARGV     name      str
--          version   str   names this call
--          when      str   a cron text, or seconds: handoff.words.recurring
--          zone      str   of a cron text
--          since     int   ms from which seconds are counted
--          due       int   the first moment, ms of unix time
--          catch_up  str   'last' or 'none'
--          overlap   str   'skip' or 'run'
--          code      str   what is called, for people
--          call      str   what is submitted each time: handoff.ledger.schedules
-- RETURNS  {'kept'}
-- @include layout  texts/number

Layout.mark()
local key = K.schedule .. name
local known = redis.call('HMGET', key, 'when', 'zone', 'due')
local is_kept = known[1] == when and known[2] == zone and Number.whole(known[3]) and redis.call('ZSCORE', K.schedules, name)
if not is_kept then
  redis.call('HSET', key, 'when', when, 'zone', zone, 'since', Number.text(since), 'due', Number.text(due))
  redis.call('HDEL', key, 'paused')
  redis.call('ZADD', K.schedules, Number.text(due), name)
end
redis.call('HSET', key, 'version', version, 'catch_up', catch_up, 'overlap', overlap, 'code', code, 'call', call)
return {'kept'}
