-- Constraints, `node=a;tier!=spot|cheap`: each term a label, and the values of which a node must have one, or none.
--
-- The term `^=cpu:40000|slots:20000` asks for a node that has so much when idle: room for all of a collocated group.
--
-- @include texts/cost

Terms.CAPACITY = '^'

-- The label that every node has by itself: its name.
Terms.NODE = 'node'

-- -> {name, negated, values, is = {value -> true}, text}
function Terms.read_one(text)
  local name, negation, values = string.match(text, '^([^=!]+)(!?)=(.*)$')
  local term = {name = name, negated = negation == '!', text = text, values = {}, is = {}}
  for value in string.gmatch(values, '[^|]+') do
    term.values[#term.values + 1] = value
    term.is[value] = true
  end
  return term
end

-- More of each than users may name.
local MOST_TERMS, MOST_VALUES = 1024, 1024

local function is_sound_value(name, value)
  if name ~= Terms.CAPACITY then
    return true
  end
  local resource, units = string.match(value, '^([^:]+):(%d+)$')
  return resource ~= nil and Cost.is_sound(resource .. '=' .. units)
end

-- Whether each term can be read.
function Terms.is_sound(text)
  local terms = 0
  for each in string.gmatch(text, '[^;]+') do
    local name, values = string.match(each, '^([^=!]+)!?=(.*)$')
    local count = 0
    terms = terms + 1
    for value in string.gmatch(values or '', '[^|]+') do
      count = count + 1
      if count > MOST_VALUES or not is_sound_value(name, value) then
        return false
      end
    end
    if count == 0 or terms > MOST_TERMS then
      return false
    end
  end
  return true
end

function Terms.read(text)
  local terms = {}
  for each in string.gmatch(text, '[^;]+') do
    terms[#terms + 1] = Terms.read_one(each)
  end
  return terms
end

-- Names of nodes have 1 to 128 letters, digits, `_`, `.`, `@` and `-`.
function Terms.is_node_name(text)
  return #text <= 128 and string.find(text, '^[%w_.@-]+$') ~= nil
end

-- That it must be this node.
function Terms.pin(node_name)
  return Terms.NODE .. '=' .. node_name
end

-- The node that a term alone leaves, or nil.
function Terms.pinned_by(term)
  return term.name == Terms.NODE and not term.negated and #term.values == 1 and term.values[1] or nil
end

-- Of the term `^`. -> {{resource, units}, ...}
function Terms.capacity(term)
  local wants = {}
  for _, value in ipairs(term.values) do
    local resource, units = string.match(value, '^([^:]+):(%d+)$')
    wants[#wants + 1] = {resource, tonumber(units)}
  end
  return wants
end
