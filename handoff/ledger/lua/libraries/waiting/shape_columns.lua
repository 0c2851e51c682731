-- The columns of the index of shapes: how much each shape needs of a resource, and how far in front its head is.
--
-- KEYS     shape_plane  shape_planes
-- @include nodes/planes  texts/index_name  texts/number  texts/resource

-- Ranks are below 2^52. Planes have the distance to it, so that the best rank is the largest value.
ShapeColumns.RANKS, ShapeColumns.RANK_PLANES = 2 ^ 52, 52

local RANK = '*rank'

-- How many planes a column has, as the hash says.
local function planes_in(count)
  return Number.whole(count, 0, 64) or 0
end

local function planes_of(name)
  return K.shape_plane .. name .. ':'
end

function ShapeColumns.of_ranks()
  return planes_of(RANK)
end

-- The column called like that: {resource, planes = what their keys begin with, count = how many}.
local function column(name, count)
  local resource, part = IndexName.read(name)
  return {resource = resource, is_sum = part == 'sum', planes = planes_of(name), count = count}
end

-- All columns but that of ranks.
function ShapeColumns.all()
  local flat, columns = redis.call('HGETALL', K.shape_planes), {}
  for i = 1, #flat, 2 do
    columns[#columns + 1] = column(flat[i], planes_in(flat[i + 1]))
  end
  return columns
end

-- Those of one resource.
function ShapeColumns.of(resource)
  local columns = {}
  for _, name in ipairs({resource, IndexName.sum(resource)}) do
    columns[#columns + 1] = column(name, planes_in(redis.call('HGET', K.shape_planes, name)))
  end
  return columns
end

-- Set what a shape needs of something, or take it away. More than one device and no whole number is met by sums only,
-- never by devices.
function ShapeColumns.set(want, position, was, is)
  local resource, units = want[1], want[2]
  local name = units > Resource.UNIT and units % Resource.UNIT ~= 0 and IndexName.sum(resource) or resource
  local count = Planes.count(is)
  if count > planes_in(redis.call('HGET', K.shape_planes, name)) then
    redis.call('HSET', K.shape_planes, name, count)
  end
  Planes.set(planes_of(name), position, was, is)
end

-- `was` and `is` are the ranks of a shape's head, false = it has none.
function ShapeColumns.set_rank(position, was, is)
  local last = ShapeColumns.RANKS
  Planes.set(planes_of(RANK), position, was and last - was or 0, is and last - is or 0)
end

function ShapeColumns.drop()
  local columns = ShapeColumns.all()
  columns[#columns + 1] = column(RANK, ShapeColumns.RANK_PLANES)
  for _, each in ipairs(columns) do
    local keys = {}
    for bit = 0, each.count - 1 do
      keys[bit + 1] = each.planes .. bit
    end
    redis.call('DEL', K.shape_planes, unpack(keys))
  end
  redis.call('DEL', K.shape_planes)
end
