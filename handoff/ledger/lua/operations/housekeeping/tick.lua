-- Housekeeping, a slice at a time: whatever becomes due by the clock alone, and whatever others left over.
--
-- Agents call it twice a second, and so do clients that wait: nothing depends on one process. A short lock lets one
-- caller at a time through; tests, which give their own time, take none.
--
-- KEYS     tick
-- ARGV     room          int   how many on_failure callbacks the caller can run
--          token         str   names this tick: asked again, it hands out the same callbacks
-- RETURNS  {'busy'}                       somebody else just did it
--          {'ticked', more, callbacks, unknown}  more = 1: call again at once; the callbacks to be run, as of Callbacks;
--                                         some of the timers and the like that only a newer version knows
-- @include settle  claims/claims  housekeeping/book_sweep  housekeeping/callbacks  housekeeping/due
-- @include housekeeping/unknown  runs/consequences
-- @include housekeeping/queue_sweep  housekeeping/token_sweep  nodes/lapse  runs/run_sweep  texts/number  time/clock
-- @include waiting/overtaking

local EVERY_MS = 400

if Callbacks.is_known(token) then
  return {'ticked', 0, Callbacks.handed_out(token), {}}
end
-- By the ledger's time, for a key that expires by the server's clock stays for as long as that is set back.
local last = Call.is_live and tonumber(redis.call('GET', K.tick) or nil)
if last and Call.now >= last and Call.now < last + EVERY_MS then
  return {'busy'}
end
Clock.note()
if Call.is_live then
  redis.call('SET', K.tick, Number.text(Call.now), 'PX', EVERY_MS)
end

local unknown = Unknown.look(Due.knows, Consequences.knows)
local more = Lapse.leases()
more = Claims.end_due() or more
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
TokenSweep.go_on()
more = BookSweep.waiting() or more

Callbacks.hand_out(token, room)
if more then
  redis.call('DEL', K.tick)
end
return {'ticked', more and 1 or 0, Callbacks.handed_out(token), unknown}
