-- The stream of events: what happened, to whom, with which amounts. Bounded to about the last ten thousand.
--
-- KEYS     events
-- @include texts/number

function Events.emit(event, ...)
  redis.call('XADD', K.events, 'MAXLEN', '~', '10000', '*', 'event', event, 'at_ms', Number.text(Call.wall), ...)
end
