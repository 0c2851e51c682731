-- What becomes due by the clock alone (texts/timer).
--
-- KEYS     renewed  timers
-- @include texts/number

-- `at` in ms.
function Timers.set(timer, at)
  redis.call('ZADD', K.timers, Number.text(at), timer)
end

-- -> whether there was one
function Timers.drop(timer)
  return redis.call('ZREM', K.timers, timer) == 1
end

-- Due in `ms` of the time in which somebody who is there could have put it off again (time/clock).
function Timers.keep_off(timer, ms)
  redis.call('ZADD', K.renewed, Number.text(Call.uptime + ms), timer)
end

-- Nobody puts it off any more. -> whether there was one
function Timers.let_go(timer)
  return redis.call('ZREM', K.renewed, timer) == 1
end

-- When it is due, ms; nil where there is no such timer.
function Timers.at(timer)
  return tonumber(redis.call('ZSCORE', K.timers, timer) or nil)
end
