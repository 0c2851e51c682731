-- The node that comes nearest to holding something when idle, for whoever asks why none can.
--
-- KEYS     classes  drained
-- @include nodes/classes  nodes/constraints  nodes/fit  nodes/node  nodes/shared  nodes/values  texts/node_class
-- @include texts/shape  texts/shortfall  texts/terms

-- How far one want is from being met. -> an item of texts/shortfall or nil, and the part of it that is missing
local function short_of(values, want)
  local resource, units = want[1], want[2]
  local tokens = Shared.load().cap[resource]
  if tokens then
    return tokens < units and Shortfall.of_shared(resource, units, tokens) or nil, math.max(0, units - tokens) / units
  end
  if Values.has(values, want) then
    return nil
  end
  local there = Values.most(values, resource)
  return Shortfall.of_node(resource, units, there), math.max(0, units - there) / units
end

-- What one class of nodes lacks for a shape, even when idle. -> {item, ...} (texts/shortfall), and how far it is from it
function Nearest.shortfall(values, labels, name, shape)
  local items, gap = {}, 0
  local function add(item, part)
    if item then
      items[#items + 1], gap = item, gap + part
    end
  end
  for _, want in ipairs(shape.wants) do
    add(short_of(values, want))
  end
  for _, term in ipairs(shape.terms) do
    if term.name == Terms.CAPACITY then
      for _, want in ipairs(Constraints.wants(term)) do
        if not Values.has(values, want) then
          add(Shortfall.of_capacity(want[1], want[2], Values.most(values, want[1])), 1)
        end
      end
    else
      local value = labels[term.name]
      if term.name == Terms.NODE then
        value = name
      end
      if not Constraints.is_met(term, value) then
        add(Shortfall.of_label(term, value), 1)
      end
    end
  end
  return items, gap
end

-- More classes of nodes than that are not compared.
local MOST_CLASSES = 512

local function is_nearer(one, other)
  if not other or #one.items ~= #other.items then
    return not other or #one.items < #other.items
  end
  return one.gap < other.gap or (one.gap == other.gap and one.name < other.name)
end

-- The live node that lacks least: fewest things short, then the smallest part of what is wanted, then by name.
local function nearest_live(demand)
  local best
  for _, variant in ipairs(demand) do
    local shape = Shape.read(variant.shape)
    for _, class in ipairs(redis.call('ZRANGE', K.classes, 0, MOST_CLASSES - 1)) do
      local values, labels = NodeClass.read(class)
      for _, name in ipairs(Classes.examples(class, shape)) do
        -- Of a pinned function its own node alone is spoken of.
        if shape.pin ~= '' and name ~= shape.pin then
          break
        end
        local items, gap = Nearest.shortfall(values, labels, name, shape)
        local found = {items = items, gap = gap, name = name}
        best = is_nearer(found, best) and found or best
      end
    end
  end
  return best
end

-- Of drained nodes, so many are asked whether they could.
local MOST_DRAINED = 16

-- The first node by name that is drained and could hold one of the demand's shapes, or nil.
local function drained_able(demand)
  local drained = redis.call('SMEMBERS', K.drained)
  table.sort(drained)
  for i = 1, math.min(#drained, MOST_DRAINED) do
    local node = Node.live(drained[i])
    for _, variant in ipairs(node and demand or {}) do
      if Fit.idle(node, Shape.read(variant.shape)) then
        return node.name
      end
    end
  end
end

-- -> texts/shortfall; of a pinned demand that of its node
function Nearest.able(demand)
  local best = nearest_live(demand)
  return Shortfall.write(best and best.name, best and best.items, drained_able(demand))
end
