-- What becomes due by the clock alone, in one ZSET: `after|2|<job>` (its second variant joins), `expire|<job>` (it has
-- waited long enough), `unfit|<job>` (look whether any node could hold it), `drain|<node>` (what runs there is stopped).
--
-- KEYS     timers
-- @include lib/clock

local function set_timer(what, at)
  redis.call('ZADD', K.timers, text(at), what)
end

local function drop_timer(what)
  redis.call('ZREM', K.timers, what)
end
