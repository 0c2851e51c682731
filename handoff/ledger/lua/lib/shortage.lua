-- What is missing for a claim.
--
-- @include lib/node
-- @include lib/over

-- What a claim of that rank on the node could get of one index: nothing of what is held for a function before it.
local function free_on(node, rank)
  local shared = load_shared()
  return function(index)
    local resource = string.match(index, '^[^#]+')
    local keeper = shared.cap[resource] and shared or node
    local withheld = holds_back(keeper, {wants = {{resource, 1}}}, rank)
    return not withheld and keeper.free[index] or 0
  end
end

-- What is missing of each want, on top of what is missing already: {resource, units, ...}. Of whole devices the
-- missing idle ones, of a share or of memory what the best device lacks of it.
local function shortage(wants, free_of, missing)
  for _, want in ipairs(wants) do
    local resource, units = want[1], want[2]
    local have = free_of(resource)
    for _, index in ipairs(indices_of(resource, units)) do
      have = math.max(have, free_of(index[1]) * (units / index[2]))
    end
    if have < units then
      missing[resource] = (missing[resource] or 0) + units - have
    end
  end
  local short = {}
  for resource, units in pairs(missing) do
    short[#short + 1], short[#short + 2] = resource, text(units)
  end
  return short
end

-- What is held beyond its capacity keeps a node from taking anything at all.
local function excess_of(node)
  return node.over and excess(node) or {}
end
