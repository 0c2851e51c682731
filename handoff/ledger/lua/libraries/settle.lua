-- Work left over by earlier scripts, taken up by whoever comes by: lost nodes first, then runs, then dirty nodes.
--
-- This is the one seam at which everything meets: an operation that only answers leaves it out, and with it most of the
-- libraries.
--
-- KEYS     abandoned  dirty  leftovers
-- @include nodes/recovery  runs/consequences  runs/leftovers  waiting/wake  rare

function Settle.is_done()
  if Leftovers.any() then
    return false
  end
  -- Of what is left over there may be only what a newer version is to do.
  return (Rare.is_absent(K.abandoned) and Rare.is_absent(K.dirty) and Rare.is_absent(K.leftovers))
    or redis.call('EXISTS', K.abandoned, K.dirty, K.leftovers) == 0
    or (redis.call('EXISTS', K.abandoned, K.dirty) == 0 and not Leftovers.are_stored())
end

-- -> whether there is more to do
function Settle.go_on(budget)
  if Settle.is_done() then
    return false
  end
  budget = Recovery.go_on(budget)
  budget = Consequences.work_off(budget)
  budget = Wake.dirty(budget)
  -- The first of a group may have been placed just now.
  if Leftovers.any() and budget > 0 then
    Consequences.work_off(budget)
  end
  return not Settle.is_done()
end
