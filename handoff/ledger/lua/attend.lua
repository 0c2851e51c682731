-- The client of an attached run is there: for so long the run goes on without another word.
--
-- KEYS     run
-- ARGV     run     str
--          ms      int
--          now_ms  int   0 = the server's clock
-- RETURNS  {'attended'}
--          {'ended'}     there is nothing to attend to any more
-- @include lib/timers

local state = redis.call('HGET', K.run .. run, 'state')
if state ~= 'running' and state ~= 'loading' then
  return {'ended'}
end
set_timer('attached|' .. run, clock(now_ms) + ms)
return {'attended'}
