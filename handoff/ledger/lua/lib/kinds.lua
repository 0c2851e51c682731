-- What is short of what a shape asks for, by kind of node: each is looked at once, however many nodes there are.
--
-- KEYS     alike  classes  class  open  live  holds  scratch
-- @include lib/claim
-- @include lib/shortage

-- Kinds of nodes that are told of, and amounts that are looked at for it.
local MOST_KINDS, MOST_AMOUNTS = 64, 256

-- A bitmap that outlives `drop_scratch`.
local function keep(name, bitmap)
  local key = K.scratch .. name
  redis.call('BITOP', 'OR', key, bitmap, bitmap)
  return key
end

local function drop_kept()
  drop_scratch()
  redis.call('DEL', K.scratch .. 'able', K.scratch .. 'barred', K.scratch .. 'some')
end

local function both(one, other)
  local result = scratch()
  redis.call('BITOP', 'AND', result, one, other)
  return result
end

local function free_of(node)
  return function(index)
    return node.free[index] or 0
  end
end

local function tokens_of(shape)
  local tokens = {}
  for _, want in ipairs(shape.wants) do
    if load_shared().cap[want[1]] then
      tokens[#tokens + 1] = want
    end
  end
  return tokens
end

-- The nodes that are held for somebody before whom a function of that rank does not come.
local function barred_nodes(shape, rank)
  local bitmap = scratch()
  for _, name in ipairs(redis.call('ZRANGE', K.holds, 0, -1)) do
    local node = name ~= SHARED and load_node(name)
    if node and holds_back(node, shape, rank) then
      redis.call('SETBIT', bitmap, node.position, 1)
    end
  end
  return keep('barred', bitmap)
end

-- What is missing of the wants where there is most of each, which may be on another node for each.
local function missing_among(wants, nodes)
  local missing = {}
  for _, want in ipairs(wants) do
    local some = satisfying('free', nodes, {want})
    if not some or first_of(some) < 0 then
      shortage({want}, function(index)
        return (largest('free', index, nodes))
      end, missing)
    end
    drop_scratch()
  end
  return shortage({}, nil, missing)
end

-- One kind of node that could hold the shape when idle, shown by `node`.
-- -> {class, name, nodes, open, with room, of these held for others, {resource, missing, ...}, {}}
local function able_kind(shape, node, able, barred)
  local wants = wants_of_node(shape)
  local alike = both(able, K.alike .. node.class)
  local count = redis.call('BITCOUNT', alike)
  local some = keep('some', both(alike, K.open))
  drop_scratch()
  local open, room, withheld, missing = redis.call('BITCOUNT', some), 0, 0, {}
  if open > 0 then
    missing = missing_among(wants, some)
    local roomy = #missing == 0 and satisfying('free', some, wants)
    if roomy then
      room, withheld = redis.call('BITCOUNT', roomy), redis.call('BITCOUNT', both(roomy, barred))
    end
    drop_scratch()
  end
  return {node.class, node.name, count, open, room, withheld, missing, {}}
end

-- One kind of node that could never hold it, and why: of the nodes that stand for it the one that lacks least.
local function unable_kind(shape, class)
  local best
  for _, name in ipairs(names_of(class, shape)) do
    if shape.pin == '' or name == shape.pin then
      local node = load_node(name)
      local items = {}
      for _, item in ipairs(shortfall(values_of(node, 'cap'), node.label, name, shape)) do
        items[#items + 1] = string.sub(item, 1, 1) ~= '*' and item or nil
      end
      if not best or #items < #best[8] then
        best = {class, name, redis.call('ZCARD', K.class .. class), 0, 0, 0, {}, items}
      end
    end
  end
  return best
end

-- What the cluster shares, told like a kind of node where it keeps the shape from starting.
local function token_kind(shape, rank)
  local shared = load_shared()
  if tokens_fit(shape, rank) then
    return nil
  end
  local tokens, never = tokens_of(shape), {}
  for _, want in ipairs(tokens) do
    if shared.cap[want[1]] < want[2] then
      never[#never + 1] = '*' .. want[1] .. '~' .. text(want[2]) .. '~' .. text(shared.cap[want[1]])
    end
  end
  local missing = shortage(tokens, free_of(shared), {})
  local room = #missing == 0 and is_open(shared) and 1 or 0
  return {SHARED, SHARED, 1, is_open(shared) and 1 or 0, room, room, missing, never}
end

-- What is short, by kind of node: those that could hold it when idle in the order of nodes, then others.
local function kinds_for(shape, rank, most)
  local told, seen = {}, {}
  most = math.min(most, math.ceil(MOST_AMOUNTS / #shape.wants))
  local barred = barred_nodes(shape, rank)
  local able = satisfying('cap', allowing(shape.terms, K.live), wants_of_node(shape))
  able = able and keep('able', able)
  drop_scratch()
  local position = able and first_of(able) or -1
  while position >= 0 and #told < most do
    local node = node_at(position)
    seen[node.class] = true
    told[#told + 1] = able_kind(shape, node, able, barred)
    able = keep('able', without(able, K.alike .. node.class))
    drop_scratch()
    position = first_of(able)
  end
  for _, class in ipairs(redis.call('ZRANGE', K.classes, 0, 2 * MOST_KINDS)) do
    local kind = not seen[class] and #told < most and unable_kind(shape, class)
    told[#told + 1] = kind or nil
  end
  told[#told + 1] = token_kind(shape, rank)
  drop_kept()
  return told
end
