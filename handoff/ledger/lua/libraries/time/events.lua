-- The stream of events: what happened, to whom, with which amounts. Bounded to about the last ten thousand.
--
-- KEYS     events
-- STATE    at_ms  nil  when, as text
-- @include texts/number

function Events.emit(event, ...)
  Call.at_ms = Call.at_ms or Number.text(Call.wall)
  redis.call('XADD', K.events, 'MAXLEN', '~', '10000', '*', 'event', event, 'at_ms', Call.at_ms, ...)
end
