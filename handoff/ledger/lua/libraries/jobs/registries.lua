-- RQ's registries of jobs that have ended.
--
-- KEYS     prune  rq_canceled  rq_failed  rq_finished
-- STATE    pruned  {}  registry -> when the last entry expires of which the pruning was told
-- @include writes

function Registries.of(status)
  if status == 'finished' then
    return K.rq_finished
  end
  return status == 'canceled' and K.rq_canceled or K.rq_failed
end

-- Nothing but our own look removes expired entries from a registry whose queue nobody asks about any more.
function Registries.expire(key, id, expires_s)
  Writes.add('ZADD', key, expires_s, id)
  -- Of a run all expire at once.
  if Call.pruned[key] ~= expires_s then
    Call.pruned[key] = expires_s
    redis.call('ZADD', K.prune, 'LT', (expires_s + 1) * 1000, key)
  end
end

function Registries.leave(key, id)
  redis.call('ZREM', Writes.settle(key), id)
end

-- `ttl` in seconds, below 0 = for ever.
function Registries.add(key, id, ttl)
  if ttl < 0 then
    Writes.add('ZADD', key, '+inf', id)
  else
    Registries.expire(key, id, math.floor(Call.wall / 1000) + ttl)
  end
end
