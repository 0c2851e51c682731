-- Finding a node for a shape.
--
-- KEYS     nodes  open
-- @include nodes/constraints  nodes/fit  nodes/heads  nodes/holds  nodes/index  nodes/node  nodes/scratch  nodes/shared
-- @include nodes/strategies

-- Give `visit` the nodes of a bitmap that `choose` picks, one after another, until it returns true. The bitmap may be
-- anybody's: it is copied before the first bit is cleared.
function Find.each(bitmap, choose, visit)
  local own
  while true do
    local position = choose(bitmap)
    if position < 0 then
      return nil
    end
    local node = Node.at(position)
    if node and visit(node) then
      return node
    end
    if not own then
      own = Scratch.key()
      redis.call('BITOP', 'OR', own, bitmap, bitmap)
      bitmap = own
    end
    redis.call('SETBIT', own, position, 0)
  end
end

local function by_books(shape, rank)
  for _, name in ipairs(redis.call('ZRANGE', K.nodes, 0, -1)) do
    local node = Node.load(name)
    if node and Fit.now(node, shape, rank) then
      return node
    end
  end
  return nil
end

-- The node that the strategy chooses among those that fit now, or nil. `base` restricts the choice to a bitmap
-- (default: all open nodes). `grown` is a node whose room has just grown: the next of a chain mostly goes there.
function Find.node(shape, rank, choose, base, grown)
  if shape.pin ~= '' then
    local node = Node.load(shape.pin)
    return node and Fit.now(node, shape, rank) and node or nil
  end
  if not Fit.tokens(shape, rank) then
    return nil
  end
  if grown and choose == Strategies.first_available and Scratch.first(K.open) == grown.position
    and Fit.now(grown, shape, rank) then
    return grown
  end
  -- Among one there is nothing to be sought.
  local among = base or K.open
  local count = redis.call('BITCOUNT', among)
  if count <= 1 then
    local only = count == 1 and Node.at(Scratch.first(among))
    return only and Fit.now(only, shape, rank) and only or nil
  end
  local bitmap = Index.satisfying('free', Constraints.among(shape.terms, among), Shared.wants_of_node(shape))
  local found = bitmap and Find.each(bitmap, choose, function(node)
    return not Holds.bars(node, shape, rank)
  end)
  Scratch.drop()
  if found and not Fit.now(found, shape, rank) then
    -- Redis dropped a part of the index: the books of all nodes are looked at instead.
    found = by_books(shape, rank)
  end
  return found
end

-- A shape that waits already fits nowhere; but what holds back its head need not hold back who comes before it, and room
-- that has grown in this script was not yet offered to either.
function Find.may_fit(shape, rank, grown)
  local head = Heads.rank(shape)
  return not head or (head > rank and (grown or Holds.are_any()))
end
