-- Keys that no two functions have at a time: a function has its own from its submit until it has ended, and a while longer
-- where it has finished.
--
-- What RQ's tools delete or cancel says nothing here: a key is somebody's for as long as his hash says so, and one that is
-- nobody's is taken by the next, or found by housekeeping.
--
-- KEYS     unique  unique_after
-- @include jobs/job  jobs/statuses

local function is_of(key, id, is_kept)
  local status, own = Job.get(id, 'status', 'unique')
  return own == key and (not Statuses.ENDED[status] or (is_kept and status == 'finished'))
end

-- -> the job that has it, or nil
function Unique.holder(key)
  local id = redis.call('HGET', K.unique, key)
  local is_kept = not id
  id = id or redis.call('GET', K.unique_after .. key)
  return id and is_of(key, id, is_kept) and Job.read(id) or nil
end

-- Of one that nobody has.
function Unique.take(key, id)
  redis.call('HSET', K.unique, key, id)
  redis.call('DEL', K.unique_after .. key)
end

-- One that rq's tools have brought back has its key again, unless another has it.
function Unique.come_back(job)
  local key = Job.option(job, 'unique') and Job.get(job.id, 'unique')
  local holder = key and Unique.holder(key)
  if key and (not holder or holder.id == job.id) then
    Unique.take(key, job.id)
  end
end

-- At its end, with that status.
function Unique.leave(job, status)
  local after_ms = Job.option(job, 'unique')
  local key = after_ms and Job.get(job.id, 'unique')
  if not key or redis.call('HGET', K.unique, key) ~= job.id then
    return
  end
  redis.call('HDEL', K.unique, key)
  if status == 'finished' and tonumber(after_ms) > 0 then
    redis.call('SET', K.unique_after .. key, job.id, 'PX', after_ms)
  end
end

-- -> whether nobody had it any more
function Unique.drop_stray(key)
  local id = redis.call('HGET', K.unique, key)
  return id and not is_of(key, id, false) and redis.call('HDEL', K.unique, key) == 1
end

-- Give up, of a few by chance, what nobody has any more.
function Unique.look_around(count)
  -- Of none some servers answer nil.
  local some = redis.call('HRANDFIELD', K.unique, count) or {}
  for i = 1, #some do
    Unique.drop_stray(some[i])
  end
end
