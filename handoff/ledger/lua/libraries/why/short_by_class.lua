-- What is short of what a shape asks for, by class of nodes: each is looked at once, however many nodes there are.
--
-- KEYS     alike  class  classes  live  open
-- @include claims/shortage  nodes/classes  nodes/constraints  nodes/fit  nodes/holds  nodes/index  nodes/node
-- @include nodes/scratch  nodes/shared  nodes/values  texts/index_name  texts/shortfall  why/nearest

-- Classes that are told of.
ShortByClass.MOST_TOLD = 64

-- Amounts that are looked at for it.
local MOST_AMOUNTS = 256

-- A function that tells what is free of an index on a node.
function ShortByClass.free_of(node)
  return function(index)
    return node.free[index] or 0
  end
end

-- Those of the nodes that have anything free of what is wanted, or false.
local function having_any(want, nodes)
  local indices = {}
  for i, index in ipairs(IndexName.wanted(want[1], want[2])) do
    indices[i] = {index[1], 1}
  end
  return Index.satisfying('free', nodes, {{indices = indices}})
end

local function nothing()
  return 0
end

-- What is missing of the wants where there is most of each, which may be on another node for each. What is short is
-- mostly taken everywhere: that is looked at first, in a few commands and not in some of each plane.
local function missing_among(wants, nodes)
  local missing = {}
  for _, want in ipairs(wants) do
    local some = having_any(want, nodes)
    if not some or Scratch.first(some) < 0 then
      Shortage.of({want}, nothing, missing)
    else
      local enough = Index.satisfying('free', some, {want})
      if not enough or Scratch.first(enough) < 0 then
        Shortage.of({want}, function(index)
          return (Index.largest('free', index, some))
        end, missing)
      end
    end
    Scratch.drop()
  end
  return Shortage.of({}, nil, missing)
end

-- A class that could hold the shape when idle, shown by `node`.
-- -> {class, name, nodes, open, with room, of these held for others, {resource, missing, ...}, {}, how and why one takes
-- nothing: {node, `cordoned`, `quiet`, `over` or '', reason} or {}}
local function able_class(shape, node, able, barred)
  local wants = Shared.wants_of_node(shape)
  local alike = Scratch.both(able, K.alike .. node.class)
  local count = redis.call('BITCOUNT', alike)
  local some = Scratch.keep('some', Scratch.both(alike, K.open))
  local others = Scratch.first(Scratch.without(alike, some))
  local closed = others >= 0 and Node.at(others)
  Scratch.drop()
  local open, room, withheld, missing = redis.call('BITCOUNT', some), 0, 0, {}
  if open > 0 then
    missing = missing_among(wants, some)
    local roomy = #missing == 0 and Index.satisfying('free', some, wants)
    if roomy then
      room, withheld = redis.call('BITCOUNT', roomy), redis.call('BITCOUNT', Scratch.both(roomy, barred))
    end
    Scratch.drop()
  end
  return {node.class, node.name, count, open, room, withheld, missing, {},
    closed and {closed.name, Node.how_closed(closed)} or {}}
end

-- A class that could never hold it, and why: of the nodes that stand for it the one that lacks least.
local function unable_class(shape, class)
  local best
  for _, name in ipairs(Classes.examples(class, shape)) do
    if shape.pin == '' or name == shape.pin then
      local node = Node.load(name)
      local items = {}
      for _, item in ipairs(Nearest.shortfall(Values.of(node, 'cap'), node.label, name, shape)) do
        items[#items + 1] = not Shortfall.is_of_shared(item) and item or nil
      end
      if not best or #items < #best[8] then
        best = {class, name, redis.call('ZCARD', K.class .. class), 0, 0, 0, {}, items, {}}
      end
    end
  end
  return best
end

-- What the cluster shares, told like a class of nodes where it keeps the shape from starting.
local function shared_class(shape, rank)
  local shared = Shared.load()
  if Fit.tokens(shape, rank) then
    return nil
  end
  local tokens, never = Shared.tokens_of(shape), {}
  for _, want in ipairs(tokens) do
    if shared.cap[want[1]] < want[2] then
      never[#never + 1] = Shortfall.of_shared(want[1], want[2], shared.cap[want[1]])
    end
  end
  local missing = Shortage.of(tokens, ShortByClass.free_of(shared), {})
  local is_open = Node.is_open(shared) and 1 or 0
  local room = #missing == 0 and is_open or 0
  return {Shared.NAME, Shared.NAME, 1, is_open, room, room, missing, never, {}}
end

-- What is short, at most `most` classes: those that could hold it when idle in the order of nodes, then others.
function ShortByClass.list(shape, rank, most)
  local told, seen = {}, {}
  most = math.min(most, math.ceil(MOST_AMOUNTS / #shape.wants))
  local barred = Holds.barred(shape, rank)
  local able = Index.satisfying('cap', Constraints.among(shape.terms, K.live), Shared.wants_of_node(shape))
  able = able and Scratch.keep('able', able)
  Scratch.drop()
  local position = able and Scratch.first(able) or -1
  while position >= 0 and #told < most do
    local node = Node.at(position)
    seen[node.class] = true
    told[#told + 1] = able_class(shape, node, able, barred)
    able = Scratch.keep('able', Scratch.without(able, K.alike .. node.class))
    Scratch.drop()
    position = Scratch.first(able)
  end
  for _, class in ipairs(redis.call('ZRANGE', K.classes, 0, 2 * ShortByClass.MOST_TOLD)) do
    local found = not seen[class] and #told < most and unable_class(shape, class)
    told[#told + 1] = found or nil
  end
  told[#told + 1] = shared_class(shape, rank)
  Scratch.drop_kept()
  return told
end
