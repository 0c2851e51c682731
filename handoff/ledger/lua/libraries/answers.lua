-- What a call was answered that would be answered otherwise when asked again: what it was to find it has taken away, or told.
--
-- KEYS     answered

local REMEMBER_MS = 600000

-- `answer` is a text.
function Answers.keep(token, answer)
  redis.call('SET', K.answered .. token, answer, 'PX', REMEMBER_MS)
end

-- -> what the call of that token was answered, false if it is new
function Answers.of(token)
  return redis.call('GET', K.answered .. token)
end
