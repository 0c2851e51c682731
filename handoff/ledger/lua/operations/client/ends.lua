-- Tell which of some functions have ended, or are gone; of the others only how many stand where: there may be thousands.
--
-- KEYS     rq_job
-- ARGV     ids  list  of jobs
-- RETURNS  {'looked', {place in the list, status, ended_at, ...}, {status, state, count, ...}}  of one that is gone the status
--                                                       is ''
-- @include jobs/statuses
-- @flags no-writes

local ended, others, standing = {}, {}, {}
for i = ids_first, #ARGV do
  -- What is no hash at all is nothing of ours.
  local values = redis.pcall('HMGET', K.rq_job .. ARGV[i], 'status', F.state, 'ended_at')
  local status = not values.err and values[1] or ''
  if status == '' or Statuses.ENDED[status] then
    local size = #ended
    ended[size + 1], ended[size + 2], ended[size + 3] = i - ids_first + 1, status, values[3] or ''
  else
    local state = values[2] or ''
    others[status] = others[status] or {}
    others[status][state] = (others[status][state] or 0) + 1
  end
end
for status, states in pairs(others) do
  for state, count in pairs(states) do
    local size = #standing
    standing[size + 1], standing[size + 2], standing[size + 3] = status, state, count
  end
end
return {'looked', ended, standing}
