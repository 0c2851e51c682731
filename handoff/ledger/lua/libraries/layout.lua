-- The layout of the data (ledger/layout.py), which every operation begins with: where it is another one, nothing else of
-- the operation is done, and its caller is told which.
--
-- It stands where the time does (time/clock): operations that ask for the time read both at once.
--
-- KEYS     clock
-- STATE    other_layout  nil  the one that was found, where it is not ours
-- @first look

-- As layout.py has it.
local UNMARKED = '1'

-- `found`: what stands there; `is_used`: whether anything was ever noted. -> what is to be noted, nil where it is
function Layout.judge(found, is_used)
  if found == Call.layout then
    return nil
  end
  local layout = found or (is_used and UNMARKED) or Call.layout
  if layout == Call.layout then
    return layout
  end
  Call.other_layout = layout
end

function Layout.look()
  local noted = redis.call('HMGET', K.clock, 'layout', 'last')
  Layout.judge(noted[1], noted[2])
end

-- nil: it is ours.
function Layout.other()
  return Call.other_layout
end

-- For operations that may be the first of all and do not note the time.
function Layout.mark()
  redis.call('HSET', K.clock, 'layout', Call.layout)
end
