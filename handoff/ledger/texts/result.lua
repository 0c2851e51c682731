-- What came of one attempt, as an agent delivers it: reservation, kind (finished, failed, died: its child process ended and
-- nobody had asked for that, stopped, exceeded: it used more memory than it had declared, or unstarted: nothing has run),
-- body (text of RQ's return_value or exc_string, or ''), error, message, retryable (0, 1), jitter, forms (what its
-- serializers made of the value, with commas), and what it has used: `<memory, MB>,<cpu, us>,<duration, us>`, each empty
-- where nobody knows it, and behind these `,<memory of gpus, MB>` where that was looked at. Of the kind `sent` it is finished, and value and forms were sent before: the body names the
-- parcel, the message is its length. Of the kind `exceeded` it is known which memory it was: that of gpus
-- stands there only if it was that.
--
-- @include texts/list  texts/number  texts/reservation

Result.VALUES = 9

local KINDS = {finished = true, failed = true, died = true, stopped = true, unstarted = true, sent = true, running = true,
  exceeded = true}

-- No machine has so much memory.
local MOST_MB = 2 ^ 36

local function is_usage(text)
  return text == '' or string.find(text, '^%d*,%d*,%d*$') ~= nil or string.find(text, '^%d*,%d*,%d*,%d+$') ~= nil
end

-- MB that it had at most; nil where nobody knows it.
function Result.memory_mb(usage)
  return Number.whole(string.match(usage, '^%d+'), 0, MOST_MB)
end

-- The same of gpus.
function Result.gpu_memory_mb(usage)
  return Number.whole(string.match(usage, '^%d*,%d*,%d*,(%d+)$'), 0, MOST_MB)
end

function Result.is_sound(values, first)
  local jitter = tonumber(values[first + 6])
  local is_factor = jitter and jitter >= 0 and jitter <= 1000
  local is_known = Reservation.parts(values[first]) ~= nil and KINDS[values[first + 1]] == true
  local usage = values[first + 8]
  local is_told = values[first + 1] ~= 'exceeded' or (Result.gpu_memory_mb(usage) or Result.memory_mb(usage)) ~= nil
  return is_factor and is_known and is_told and is_usage(usage)
end

function Result.read(values, first)
  return {id = values[first], kind = values[first + 1], body = values[first + 2], error = values[first + 3],
    message = values[first + 4], is_retryable = values[first + 5] == '1', jitter = tonumber(values[first + 6]),
    forms = List.read(values[first + 7]), usage = values[first + 8]}
end
