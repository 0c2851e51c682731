-- Classes of alike nodes: live ones with the same capacities and labels, so that whoever asks why nothing fits looks at
-- each kind of node once, however many there are.
--
-- A class is named by what the index says of the capacities, and the labels: `cpu=80000,gpu#idle=2,slots=80000@zone=a`.
--
-- KEYS     live  classes  class  alike  able
-- @include lib/node

local function class_of(node)
  local parts = {}
  for index, value in pairs(values_of(node, 'cap')) do
    parts[#parts + 1] = index .. '=' .. text(value)
  end
  table.sort(parts)
  return table.concat(parts, ',') .. '@' .. (node.labels or '')
end

local function leave_class(node)
  local class = node.class
  if not class then
    return
  end
  set_field(node, 'class', nil)
  redis.call('ZREM', K.class .. class, node.name)
  if redis.call('EXISTS', K.class .. class) == 1 then
    redis.call('SETBIT', K.alike .. class, node.position, 0)
  else
    redis.call('DEL', K.alike .. class)
    redis.call('ZREM', K.classes, class)
  end
end

-- A live node could hold something when idle: it is up, and nobody is emptying it.
local function set_live(node)
  redis.call('DEL', K.able)
  local is_live = node.state == 'up' and not node.draining
  redis.call('SETBIT', K.live, node.position, is_live and 1 or 0)
  if not is_live then
    leave_class(node)
  elseif not node.class then
    local class = class_of(node)
    set_field(node, 'class', class)
    redis.call('ZADD', K.class .. class, 0, node.name)
    redis.call('SETBIT', K.alike .. class, node.position, 1)
    redis.call('ZADD', K.classes, 0, class)
  end
end
