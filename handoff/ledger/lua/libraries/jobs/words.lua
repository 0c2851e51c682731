-- What is remembered for a while of a function, or of a run, of which nothing is kept.
--
-- KEYS     words
-- @include texts/word

-- A function of which nothing is kept may be gone before the reply to its submit or cancel arrives: for as long as anybody
-- may ask again.
local WORD_MS = 600000

function Words.leave(job)
  local word = Word.write(job.token or '', job.cancel or '', job.node or '', job.devices or '')
  redis.call('SET', K.words .. job.id, word, 'PX', WORD_MS)
end

-- -> the calls that submitted and canceled it, its node, its devices; nil where nothing is remembered
function Words.read(id)
  local word = redis.call('GET', K.words .. id)
  if word then
    return Word.read(word)
  end
end

-- For as long as a client may ask again for a slice of it.
local RUN_WORD_MS = 60000

-- `left_ms` is for how long the run itself is kept, below 0 for ever.
function Words.leave_of_run(run, word, left_ms)
  if left_ms >= 0 and left_ms < RUN_WORD_MS then
    redis.call('SET', K.words .. run, word, 'PX', RUN_WORD_MS)
  end
end

-- -> texts/run_word, or false
function Words.of_run(run)
  return redis.call('GET', K.words .. run)
end
