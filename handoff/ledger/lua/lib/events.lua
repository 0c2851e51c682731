-- The stream of events: what happened, to whom, with which amounts. Bounded to about the last ten thousand.
--
-- KEYS     events
-- @include lib/clock

local function emit(now, event, ...)
  redis.call('XADD', K.events, 'MAXLEN', '~', '10000', '*', 'event', event, 'at_ms', text(now), ...)
end
