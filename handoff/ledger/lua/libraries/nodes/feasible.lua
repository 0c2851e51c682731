-- Whether any node could hold something when idle, and which comes nearest.
--
-- KEYS     live  open
-- @include nodes/constraints  nodes/fit  nodes/index  nodes/judged  nodes/node  nodes/scratch  nodes/shared  texts/demand
-- @include texts/shape  why/nearest

local function known_count(demand)
  return #demand == 1 and Judged.count(demand[1].shape) or nil
end

local function count_able(demand)
  local all
  for _, variant in ipairs(demand) do
    local shape, enough = Shape.read(variant.shape), true
    local shared = Shared.load()
    for _, want in ipairs(shape.wants) do
      enough = enough and (shared.cap[want[1]] or want[2]) >= want[2]
    end
    local able = enough and Index.satisfying('cap', Constraints.among(shape.terms, K.live), Shared.wants_of_node(shape))
    if able and all then
      redis.call('BITOP', 'OR', all, all, able)
    elseif able then
      all = Scratch.key()
      redis.call('BITOP', 'OR', all, able, able)
    end
  end
  local count = all and redis.call('BITCOUNT', all) or 0
  Scratch.drop()
  if #demand == 1 then
    Judged.keep_count(demand[1].shape, count)
  end
  return count
end

-- How many live nodes could hold any of a demand's shapes when idle.
function Feasible.count(demand)
  return known_count(demand) or count_able(demand)
end

-- The nearest, of what no live node could hold.
function Feasible.nearest(demand)
  local asked = Demand.shapes(demand)
  local nearest = Judged.nearest(asked)
  if not nearest then
    nearest = Nearest.able(demand)
    Judged.keep_nearest(asked, nearest)
  end
  return nearest
end

-- -> how many live nodes could hold it, and if none, the nearest
function Feasible.judge(demand)
  local count = known_count(demand)
  if count and count > 0 then
    return count, ''
  end
  local nearest = Judged.nearest(Demand.shapes(demand))
  if nearest then
    return 0, nearest
  end
  count = count or count_able(demand)
  return count, count == 0 and Feasible.nearest(demand) or ''
end

function Feasible.on(node, shape)
  return Node.is_open(node) and Fit.idle(node, shape)
end

-- Whether any open node could hold the shape when idle, held or not.
function Feasible.on_open(shape)
  local shared = Shared.load()
  for _, want in ipairs(shape.wants) do
    if shared.cap[want[1]] and shared.cap[want[1]] < want[2] then
      return false
    end
  end
  local node = shape.pin ~= '' and Node.load(shape.pin)
  if shape.pin ~= '' then
    return node and Feasible.on(node, shape) or false
  end
  local from = Index.satisfying('cap', Constraints.among(shape.terms, K.open), Shared.wants_of_node(shape))
  local able = from and Scratch.first(from) >= 0 or false
  Scratch.drop()
  return able
end
