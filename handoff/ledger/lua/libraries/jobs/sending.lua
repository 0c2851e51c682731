-- What of a job is sent to an agent in the midst of other things: all that is small. Megabytes are read by themselves, for
-- an agent that waits for them on a slow link cannot beat meanwhile.
--
-- KEYS     rq_job
-- STATE    sent_bytes  0
-- @include jobs/job  runs/inputs

-- Bytes of one reply; of 2 MB a second a quarter of one.
local MOST = 524288

-- Bytes of a field that is worth a round trip of its own.
local LARGE = 1024

-- No job has a tenth of these fields; a million of them would be sent in one reply.
local MOST_FIELDS = 1000

local function size_of(flat)
  local size = 0
  for i = 1, #flat do
    size = size + #flat[i]
  end
  return size
end

-- -> bytes, fields
local function sizes_of(whole)
  local bytes, fields = 0, 0
  for i = 1, #whole do
    bytes, fields = bytes + size_of(whole[i]), fields + #whole[i] / 2
  end
  return bytes, fields
end

local function has_room(size)
  if Call.sent_bytes + size > MOST then
    return false
  end
  Call.sent_bytes = Call.sent_bytes + size
  return true
end

local function without_large(key)
  local flat, left_out = {}, {}
  if redis.call('HLEN', key) > MOST_FIELDS then
    return flat, left_out
  end
  for _, field in ipairs(redis.call('HKEYS', key)) do
    if redis.call('HSTRLEN', key, field) > LARGE then
      left_out[#left_out + 1] = field
    else
      flat[#flat + 1], flat[#flat + 2] = field, redis.call('HGET', key, field)
    end
  end
  return flat, left_out
end

-- The job's hash, {{field, value, ...}, ...}, of which the last holds where there are two of one, and the fields that are left
-- out; nothing of what is no job's hash any more.
function Sending.fields(job_id)
  local whole, is_there = Job.whole(job_id)
  if not is_there then
    return {}, {}
  end
  local bytes, fields = sizes_of(whole or {})
  if whole and fields <= MOST_FIELDS and has_room(bytes) then
    return whole, {}
  end
  local flat, left_out = without_large(K.rq_job .. job_id)
  return {flat}, left_out
end

-- The results that it takes: all that may be sent along, or none.
function Sending.inputs(job_id)
  local inputs, size = Inputs.of(job_id), 0
  for i = 1, #inputs do
    size = size + size_of(inputs[i][2])
  end
  return has_room(size) and inputs or {}
end
