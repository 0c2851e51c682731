-- Work left over by earlier scripts, taken up by whoever comes by: lost nodes first, then dirty ones.
--
-- KEYS     abandoned  dirty
-- @include lib/wake
-- @include lib/recover

local function is_settled()
  return redis.call('EXISTS', K.abandoned, K.dirty) == 0
end

-- -> whether there is more to do
local function settle(lost_text, lobby, now, budget)
  if is_settled() then
    return false
  end
  budget = recover_abandoned(lost_text, lobby, now, budget)
  settle_dirty(lobby, now, budget)
  return not is_settled()
end
