-- What becomes due by the clock alone (texts/timer).
--
-- KEYS     timers
-- @include texts/number

-- `at` in ms.
function Timers.set(timer, at)
  redis.call('ZADD', K.timers, Number.text(at), timer)
end

-- -> whether there was one
function Timers.drop(timer)
  return redis.call('ZREM', K.timers, timer) == 1
end

-- When it is due, ms; nil where there is no such timer.
function Timers.at(timer)
  return tonumber(redis.call('ZSCORE', K.timers, timer) or nil)
end
