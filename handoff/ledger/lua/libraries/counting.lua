-- Counting in fields that others may have written over: what is no number there begins anew.

-- -> what it is now
function Counting.add(key, field, by)
  local count = redis.pcall('HINCRBY', key, field, by)
  if type(count) == 'table' then
    redis.call('HSET', key, field, by)
    return by
  end
  return count
end
