-- The node that comes nearest to holding something when idle, for whoever asks why none can.
--
-- KEYS     classes  drained  lost
-- @include nodes/classes  nodes/constraints  nodes/fit  nodes/node  nodes/shared  nodes/values  texts/node_class
-- @include texts/shape  texts/shortfall  texts/terms  why/meant

-- Tell `add` of each thing that one class of nodes lacks for a shape, even when idle: add(part of it that is missing,
-- function of Shortfall, its arguments).
local function each_short(values, labels, name, shape, add)
  local tokens = Shared.load().cap
  for _, want in ipairs(shape.wants) do
    local resource, units = want[1], want[2]
    local shared = tokens[resource]
    if shared then
      if shared < units then
        add((units - shared) / units, Shortfall.of_shared, resource, units, shared)
      end
    elseif not Values.has(values, want) then
      local there = Values.most(values, resource)
      add(math.max(0, units - there) / units, Shortfall.of_node, resource, units, there)
    end
  end
  for _, term in ipairs(shape.terms) do
    if term.name == Terms.CAPACITY then
      for _, want in ipairs(Constraints.wants(term)) do
        if not Values.has(values, want) then
          add(1, Shortfall.of_capacity, want[1], want[2], Values.most(values, want[1]))
        end
      end
    else
      local value = labels[term.name]
      if term.name == Terms.NODE then
        value = name
      end
      if not Constraints.is_met(term, value) then
        add(1, Shortfall.of_label, term, value)
      end
    end
  end
end

-- What one class of nodes lacks for a shape, even when idle. -> {item, ...} (texts/shortfall)
function Nearest.shortfall(values, labels, name, shape)
  local items = {}
  each_short(values, labels, name, shape, function(_, write, ...)
    items[#items + 1] = write(...)
  end)
  return items
end

-- More classes of nodes than that are not compared.
local MOST_CLASSES = 512

-- How far one class is from holding a shape: how many things are short, and how far they are.
local function distance(values, labels, name, shape)
  local lacks, gap = 0, 0
  each_short(values, labels, name, shape, function(part)
    lacks, gap = lacks + 1, gap + part
  end)
  return lacks, gap
end

-- By what two lack; -1 where the first one lacks less, 1 where the other does.
local function compare(lacks, gap, other)
  if not other or lacks ~= other.lacks then
    return (not other or lacks < other.lacks) and -1 or 1
  end
  return gap == other.gap and 0 or (gap < other.gap and -1 or 1)
end

local function speaks_of_nodes(shape)
  for _, term in ipairs(shape.terms) do
    if term.name == Terms.NODE then
      return true
    end
  end
  return false
end

-- The live node that lacks least: fewest things short, then the smallest part of what is wanted, then by name.
-- Many classes lack the same: what it is is put into words of one alone, and where no name matters none is read of those
-- that lack more. -> its name, what it lacks; nil where no node is live
local function nearest_live(demand)
  local best
  local function try(class, shape, name, lacks, gap)
    local order = compare(lacks, gap, best)
    if order < 0 or (order == 0 and name < best.name) then
      best = {lacks = lacks, gap = gap, name = name, class = class, shape = shape}
    end
  end

  local classes = redis.call('ZRANGE', K.classes, 0, MOST_CLASSES - 1)
  for _, variant in ipairs(demand) do
    local shape = Shape.read(variant.shape)
    local by_name = speaks_of_nodes(shape)
    for _, class in ipairs(classes) do
      local values, labels = NodeClass.read(class)
      local lacks, gap
      if not by_name then
        lacks, gap = distance(values, labels, nil, shape)
      end
      for _, name in ipairs((by_name or compare(lacks, gap, best) <= 0) and Classes.examples(class, shape) or {}) do
        -- Of a pinned function its own node alone is spoken of.
        if shape.pin ~= '' and name ~= shape.pin then
          break
        end
        if by_name then
          lacks, gap = distance(values, labels, name, shape)
        end
        try(class, shape, name, lacks, gap)
      end
    end
  end
  if best then
    local values, labels = NodeClass.read(best.class)
    local items = Nearest.shortfall(values, labels, best.name, best.shape)
    for _, item in ipairs(Meant.items(best.shape, classes)) do
      items[#items + 1] = item
    end
    return best.name, items
  end
end

-- Of nodes that are drained, and of those that are lost, so many are asked whether they could.
local MOST_AWAY = 16

local function could(node, demand)
  for _, variant in ipairs(node and demand or {}) do
    if Fit.idle(node, Shape.read(variant.shape)) then
      return true
    end
  end
  return false
end

-- The first node by name that is drained and could hold one of the demand's shapes, or nil.
local function drained_able(demand)
  local drained = redis.call('SMEMBERS', K.drained)
  table.sort(drained)
  for i = 1, math.min(#drained, MOST_AWAY) do
    if could(Node.live(drained[i]), demand) then
      return drained[i]
    end
  end
end

-- The node lost last that could, and since when it is, or nil.
local function lost_able(demand)
  local lost = redis.call('ZREVRANGE', K.lost, 0, MOST_AWAY - 1, 'WITHSCORES')
  for i = 1, #lost, 2 do
    if could(Node.load(lost[i]), demand) then
      return lost[i], tonumber(lost[i + 1])
    end
  end
end

-- -> texts/shortfall; of a pinned demand that of its node
function Nearest.able(demand)
  local name, items = nearest_live(demand)
  local away, since = drained_able(demand), nil
  if not away then
    away, since = lost_able(demand)
  end
  return Shortfall.write(name, items, away, since)
end
