-- The stream of events: what happened, to whom, with which amounts. Bounded to about the last ten thousand.
--
-- KEYS     events
-- STATE    at_ms  nil  when, as text
-- @include texts/number

function Events.emit(event, ...)
  local at_ms = Call.at_ms
  if not at_ms then
    at_ms = Number.text(Call.wall)
    Call.at_ms = at_ms
  end
  redis.call('XADD', K.events, 'MAXLEN', '~', '10000', '*', 'event', event, 'at_ms', at_ms, ...)
end
