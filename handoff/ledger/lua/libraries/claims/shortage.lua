-- What is missing for a claim.
--
-- @include nodes/excess  nodes/holds  nodes/shared  texts/index_name  texts/number

-- What a claim of that rank on the node could get of one index: nothing of what is held for a function before it.
function Shortage.free_on(node, rank)
  local shared = Shared.load()
  return function(index)
    local resource = IndexName.read(index)
    local keeper = shared.cap[resource] and shared or node
    local is_barred = Holds.bars(keeper, {wants = {{resource, 1}}}, rank)
    return not is_barred and keeper.free[index] or 0
  end
end

-- What is missing of each want, on top of what is missing already: {resource, units, ...}. Of whole devices the
-- missing idle ones, of a share or of memory what the best device lacks of it.
function Shortage.of(wants, free_of, missing)
  for _, want in ipairs(wants) do
    local resource, units = want[1], want[2]
    local have = free_of(resource)
    for _, index in ipairs(IndexName.wanted(resource, units)) do
      have = math.max(have, free_of(index[1]) * (units / index[2]))
    end
    if have < units then
      missing[resource] = (missing[resource] or 0) + units - have
    end
  end
  local short = {}
  for resource, units in pairs(missing) do
    short[#short + 1], short[#short + 2] = resource, Number.text(units)
  end
  return short
end

-- What is reserved beyond its capacity keeps a node from taking anything at all.
function Shortage.excess_of(node)
  return node.over and Excess.of(node) or {}
end
