-- Whether a node satisfies constraints (texts/terms), and which nodes do.
--
-- KEYS     label  nodes
-- @include nodes/index  nodes/scratch  nodes/shared  nodes/values  texts/index_name  texts/labels  texts/resource
-- @include texts/terms

-- What a node must have, idle, for a whole group to run on it. More than one device and no whole number takes the next
-- whole number of them, where it is met by devices.
function Constraints.wants(term)
  local wants = {}
  for _, want in ipairs(Terms.capacity(term)) do
    local resource, units = want[1], want[2]
    want.indices = IndexName.wanted(resource, units)
    if units > Resource.UNIT and units % Resource.UNIT ~= 0 then
      want.indices[2] = {IndexName.idle(resource), math.ceil(units / Resource.UNIT)}
    end
    if not Shared.load().cap[resource] then
      wants[#wants + 1] = want
    end
  end
  return wants
end

-- Whether a label that has this value (nil: the node has no such label) satisfies the term.
function Constraints.is_met(term, value)
  return (term.is[value or ''] or false) ~= term.negated
end

local function satisfies(node, term)
  if term.name == Terms.CAPACITY then
    local cap = Values.of(node, 'cap')
    for _, want in ipairs(Constraints.wants(term)) do
      if not Values.has(cap, want) then
        return false
      end
    end
    return true
  end
  return Constraints.is_met(term, term.name == Terms.NODE and node.name or node.label[term.name])
end

function Constraints.allow(node, terms)
  for i = 1, #terms do
    if not satisfies(node, terms[i]) then
      return false
    end
  end
  return true
end

-- A bitmap of the nodes of `from` that all terms allow.
function Constraints.among(terms, from)
  for _, term in ipairs(terms) do
    local any = Scratch.key()
    if term.name == Terms.CAPACITY then
      local able = Index.satisfying('cap', from, Constraints.wants(term))
      if able then
        redis.call('BITOP', 'OR', any, able, able)
      end
    elseif term.name == Terms.NODE then
      for _, name in ipairs(term.values) do
        local position = redis.call('ZSCORE', K.nodes, name)
        if position then
          redis.call('SETBIT', any, position, 1)
        end
      end
    else
      local labels = {}
      for i, value in ipairs(term.values) do
        labels[i] = K.label .. Labels.write_one(term.name, value)
      end
      -- None where its values were taken away.
      if #labels > 0 then
        redis.call('BITOP', 'OR', any, unpack(labels))
      end
    end
    if term.negated then
      from = Scratch.without(from, any)
    else
      redis.call('BITOP', 'AND', any, any, from)
      from = any
    end
  end
  return from
end
