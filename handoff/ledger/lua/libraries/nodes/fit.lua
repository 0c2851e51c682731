-- Whether a shape fits a node now.
--
-- @include nodes/constraints  nodes/holds  nodes/node  nodes/shared  nodes/values

-- The rank of claims: behind all functions.
Fit.CLAIMS = math.huge

-- Whether what a shape asks of the shared tokens is there for somebody of that rank.
function Fit.tokens(shape, rank)
  local shared = Shared.load()
  if not next(shared.cap) then
    return true
  end
  for i = 1, #shape.wants do
    local want = shape.wants[i]
    if shared.cap[want[1]] and (not Values.has(shared.free, want) or Holds.bars(shared, shape, rank)) then
      return false
    end
  end
  return true
end

-- Whether `free` (of a node, or what it has in all) suffices for what the shape asks of a node itself.
function Fit.in_amounts(free, shape)
  local tokens, wants = Shared.load().cap, shape.wants
  for i = 1, #wants do
    local want = wants[i]
    if not tokens[want[1]] and not Values.has(free, want) then
      return false
    end
  end
  return true
end

-- Whether the node could hold it when idle.
function Fit.idle(node, shape)
  return Constraints.allow(node, shape.terms) and Fit.in_amounts(Values.of(node, 'cap'), shape)
end

function Fit.now(node, shape, rank)
  return Node.is_open(node) and Fit.in_amounts(node.free, shape) and Constraints.allow(node, shape.terms)
    and not Holds.bars(node, shape, rank) and Fit.tokens(shape, rank)
end
