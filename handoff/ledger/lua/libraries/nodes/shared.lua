-- What the whole cluster shares: the books of the node called `*`, which has no position, and counts in every test of what
-- fits. One of what is shared is a token.
--
-- KEYS     node
-- @include nodes/node  nodes/recount  nodes/values  texts/node_field  texts/number  rare

Shared.NAME = '*'

-- A table with no capacity where it shares nothing.
function Shared.load()
  return Node.load(Shared.NAME) or Node.keep({name = Shared.NAME, cap = {}, used = {}, dev = {}, label = {}, tried = {},
    stored = {}, noted = {}, free = {}, was = {}, is_absent = true})
end

-- The same, made where the cluster has shared nothing so far. Where Redis dropped it, what was reserved still is.
function Shared.open()
  if Shared.load().is_absent then
    redis.call('HSET', Rare.write(K.node .. Shared.NAME), 'state', 'up', 'epoch', '0', 'kind', 'shared')
    Node.forget(Shared.NAME)
    for resource, units in pairs(Recount.used(Shared.NAME)) do
      Node.set_unlisted_use(Shared.load(), resource, units)
    end
  end
  return Shared.load()
end

-- With how much of what is shared all that waits was tried last; nothing: it is to be tried again.
function Shared.set_tried(free)
  local shared = Shared.load()
  for resource in pairs(shared.cap) do
    local units = free[resource] or 0
    if shared.tried[resource] ~= units then
      shared.tried[resource] = units
      redis.call('HSET', K.node .. Shared.NAME, NodeField.of('tried', resource), Number.text(units))
    end
  end
end

-- One resource is shared no longer. What is still reserved of it is given back later.
function Shared.withdraw(resource)
  local shared = Shared.load()
  Node.set_capacity(shared, resource, nil)
  shared.tried[resource] = nil
  redis.call('HDEL', K.node .. Shared.NAME, NodeField.of('tried', resource))
  Node.set_unlisted_use(shared, resource, shared.used[resource] or 0)
end

-- What of the wants a node itself must have.
function Shared.wants_of_node(shape)
  local shared = Shared.load()
  if not next(shared.cap) then
    return shape.wants
  end
  local wants = {}
  for _, want in ipairs(shape.wants) do
    if not shared.cap[want[1]] then
      wants[#wants + 1] = want
    end
  end
  return wants
end

-- What of the wants is shared.
function Shared.tokens_of(shape)
  local shared, tokens = Shared.load(), {}
  if not next(shared.cap) then
    return tokens
  end
  for _, want in ipairs(shape.wants) do
    if shared.cap[want[1]] then
      tokens[#tokens + 1] = want
    end
  end
  return tokens
end

-- What of these is not there. -> {resource, ...}
function Shared.missing(shape)
  local shared, lacks = Shared.load(), {}
  for _, want in ipairs(Shared.tokens_of(shape)) do
    if not Values.has(shared.free, want) then
      lacks[#lacks + 1] = want[1]
    end
  end
  return lacks
end
