-- The on_failure of functions that ended without an agent: handed to whoever ticks and can run them. What one tick handed
-- out is remembered for a minute, for its reply may be lost.
--
-- KEYS     callbacks  handed
-- @include jobs/sending

local REMEMBER_MS = 60000

-- Whether this tick was answered before.
function Callbacks.is_known(token)
  return redis.call('EXISTS', K.handed .. token) == 1
end

-- Hand out up to `room` more.
function Callbacks.hand_out(token, room)
  for _ = 1, room do
    local id = redis.call('LPOP', K.callbacks)
    if not id then
      return
    end
    redis.call('RPUSH', K.handed .. token, id)
    redis.call('PEXPIRE', K.handed .. token, REMEMBER_MS)
  end
end

-- Those handed out under this token, each as {job id, {{field, value, ...}, ...}, no inputs, {field that is left out, ...}}.
function Callbacks.handed_out(token)
  local callbacks = {}
  for _, id in ipairs(redis.call('LRANGE', K.handed .. token, 0, -1)) do
    local whole, left_out = Sending.fields(id)
    if whole[1] and whole[1][1] then
      callbacks[#callbacks + 1] = {id, whole, {}, left_out}
    end
  end
  return callbacks
end
