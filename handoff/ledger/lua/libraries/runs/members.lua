-- Who of a run has not ended. Its functions are the jobs `<run>-<number>`, from 1: each stands in `missing` (with how many
-- dependencies are to come) until these have ended, then in `active` until it has ended itself. So one that ends is counted
-- once, whoever finds it, and the run has ended when both are empty.
--
-- KEYS     run_active  run_missing
-- @include jobs/job  texts/run_id

-- Its dependencies have not ended.
function Members.is_deferred(run, number)
  return redis.call('HEXISTS', K.run_missing .. run, number) == 1
end

-- They have, and it has not.
function Members.is_active(run, number)
  return redis.call('SISMEMBER', K.run_active .. run, number) == 1
end

function Members.has(run, number)
  return Members.is_active(run, number) or Members.is_deferred(run, number)
end

-- One of its dependencies has ended. -> how many are to come, below 0 where it was canceled before they had ended; and
-- whether nobody knows, for the count was written over
function Members.count_down(run, number)
  local missing = redis.pcall('HINCRBY', K.run_missing .. run, number, -1)
  local is_lost = type(missing) == 'table'
  missing = is_lost and 0 or missing
  if missing <= 0 then
    redis.call('HDEL', K.run_missing .. run, number)
  end
  if missing == 0 then
    redis.call('SADD', K.run_active .. run, number)
  end
  return missing, is_lost
end

-- It has ended. -> whether that is new
function Members.remove(run, number)
  return redis.call('SREM', K.run_active .. run, number) == 1 or redis.call('HDEL', K.run_missing .. run, number) == 1
end

-- Some that have not ended, of a run about which nothing else is known.
function Members.some(run, count)
  local numbers = redis.call('SRANDMEMBER', K.run_active .. run, count)
  if #numbers == 0 then
    local flat = redis.call('HSCAN', K.run_missing .. run, '0', 'COUNT', count)[2]
    for i = 1, math.min(#flat, 2 * count), 2 do
      numbers[#numbers + 1] = flat[i]
    end
  end
  return numbers
end

-- Functions wait for others, and none of these is left.
function Members.is_stuck(run)
  return redis.call('EXISTS', K.run_active .. run) == 0 and redis.call('EXISTS', K.run_missing .. run) == 1
end

function Members.is_empty(run)
  return redis.call('EXISTS', K.run_active .. run, K.run_missing .. run) == 0
end

function Members.drop(run)
  redis.call('DEL', K.run_active .. run, K.run_missing .. run)
end

-- -> the job, and whether there is one: what rq deleted counts as canceled
function Members.job(run, number)
  local id = RunId.job(run, number)
  local job = Job.read(id)
  if job then
    -- Whatever its hash says.
    job.run = run
  end
  return job or {id = id, run = run}, job ~= nil
end
