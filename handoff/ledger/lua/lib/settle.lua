-- Work left over by earlier scripts, taken up by whoever comes by: lost nodes first, then runs, then dirty nodes.
--
-- KEYS     abandoned  dirty  unfolding
-- @include lib/wake
-- @include lib/recover
-- @include lib/unfold

local function is_settled()
  return not has_left_over() and redis.call('EXISTS', K.abandoned, K.dirty, K.unfolding) == 0
end

-- -> whether there is more to do
local function settle(lost_text, lobby, now, budget)
  if is_settled() then
    return false
  end
  budget = recover_abandoned(lost_text, lobby, now, budget)
  budget = unfold(lobby, now, budget)
  budget = settle_dirty(lobby, now, budget)
  -- The first of a group may have been placed just now.
  if has_left_over() and budget > 0 then
    unfold(lobby, now, budget)
  end
  return not is_settled()
end
