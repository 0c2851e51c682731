-- What recurs and is due, for whoever ticks: when it is due next only a library of calendars knows, which scripts have not.
--
-- KEYS     schedules

local SLICE = 8

-- -> names
function Schedules.due()
  return redis.call('ZRANGEBYSCORE', K.schedules, '-inf', Call.wall, 'LIMIT', 0, SLICE)
end
