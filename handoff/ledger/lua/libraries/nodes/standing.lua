-- Whether a node counts: as one that could hold something when idle (live), and as one on which something may be placed
-- (open).
--
-- KEYS     live  open
-- @include nodes/classes  nodes/fronts  nodes/judged  nodes/node

-- A live node is up, and nobody is emptying it for good.
function Standing.set_live(node)
  Judged.forget()
  local is_live = node.state == 'up' and not node.draining
  redis.call('SETBIT', K.live, node.position, is_live and 1 or 0)
  if not is_live then
    Classes.leave(node)
  elseif not node.class then
    Classes.join(node)
  end
end

function Standing.set_open(node)
  redis.call('SETBIT', K.open, node.position, Node.is_open(node) and 1 or 0)
  if Node.is_open(node) then
    Fronts.recall()
  end
end
