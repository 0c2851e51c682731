-- Housekeeping, a slice at a time: whatever becomes due by the clock alone, and whatever others left over.
--
-- Agents call it twice a second, and so do clients that wait: nothing depends on one process. Who calls has taken its
-- turn before, by the key `tick`, which is free again where there is more to do.
--
-- KEYS     tick
-- ARGV     room          int   how many on_failure callbacks the caller can run; -1 = it is not its turn, and what
--                              this token was handed out before is all that it asks for
--          token         str   names this tick: asked again, it hands out the same callbacks
-- RETURNS  {'busy'}                       of -1: nothing was
--          {'ticked', more, callbacks, unknown, due}  more = 1: call again at once; the callbacks to be run, as of Callbacks;
--                                         some of the timers and the like that only a newer version knows; names of what
--                                         recurs and is due
-- @include settle  claims/claims  housekeeping/awaited_sweep  housekeeping/book_sweep  housekeeping/callbacks  housekeeping/due
-- @include housekeeping/schedules  housekeeping/unknown  runs/consequences
-- @include housekeeping/queue_sweep  housekeeping/token_sweep  nodes/lapse  runs/run_sweep  time/clock
-- @include waiting/overtaking

if Callbacks.is_known(token) then
  return {'ticked', 0, Callbacks.handed_out(token), {}, {}}
end
if room < 0 then
  return {'busy'}
end
Clock.note()

local unknown = Unknown.look(Due.knows, Consequences.knows)
local more = Lapse.leases()
more = Claims.end_due() or more
more = Due.end_timers() or more
more = Due.end_delays() or more
more = Overtaking.consider_late() or more
BookSweep.holds()
RunSweep.go_on()
AwaitedSweep.go_on()
more = Settle.go_on(16) or more
more = QueueSweep.go_on() or more
BookSweep.registries()
BookSweep.lost_nodes()
QueueSweep.look_at_past()
BookSweep.static_nodes()
BookSweep.unique_keys()
TokenSweep.go_on()
more = BookSweep.waiting() or more

Callbacks.hand_out(token, room)
if more then
  redis.call('DEL', K.tick)
end
return {'ticked', more and 1 or 0, Callbacks.handed_out(token), unknown, Schedules.due()}
