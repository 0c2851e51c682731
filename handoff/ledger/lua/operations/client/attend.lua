-- The client of an attached run is there: for so long the run goes on without another word.
--
-- ARGV     run     str
--          ms      int
-- RETURNS  {'attended'}
--          {'ended'}     there is nothing to attend to any more
-- @include runs/run  texts/timer  time/clock  time/timers

local state = Run.state(run)
if state ~= 'running' and state ~= 'loading' then
  return {'ended'}
end
Clock.note()
Timers.keep_off(Timer.of('attached', run), ms)
return {'attended'}
