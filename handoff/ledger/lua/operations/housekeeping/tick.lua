-- Housekeeping, a slice at a time: whatever becomes due by the clock alone, and whatever others left over.
--
-- Agents call it twice a second, and so do clients that wait: nothing depends on one process. A short lock lets one
-- caller at a time through; tests, which give their own time, take none.
--
-- KEYS     tick
-- ARGV     room          int   how many on_failure callbacks the caller can run
--          token         str   names this tick: asked again, it hands out the same callbacks
-- RETURNS  {'busy'}                       somebody else just did it
--          {'ticked', more, callbacks}    more = 1: call again at once; the callbacks to be run, as of Callbacks
-- @include settle  claims/claims  housekeeping/book_sweep  housekeeping/callbacks  housekeeping/due
-- @include housekeeping/queue_sweep  nodes/lapse  runs/run_sweep  waiting/overtaking

if Callbacks.is_known(token) then
  return {'ticked', 0, Callbacks.handed_out(token)}
end
if Call.is_live and not redis.call('SET', K.tick, '1', 'NX', 'PX', 400) then
  return {'busy'}
end
Lapse.leases()

local more = Claims.end_due()
more = Due.end_timers() or more
more = Due.end_delays() or more
more = Overtaking.consider_late() or more
BookSweep.holds()
RunSweep.go_on()
more = Settle.go_on(24) or more
more = QueueSweep.go_on() or more
BookSweep.registries()
BookSweep.lost_nodes()
QueueSweep.look_at_past()
BookSweep.static_nodes()
BookSweep.heads()

Callbacks.hand_out(token, room)
if more then
  redis.call('DEL', K.tick)
end
return {'ticked', more and 1 or 0, Callbacks.handed_out(token)}
