-- Shapes: a cost and its constraints as one line, `cpu=20000,gpu=5000,slots=10000@tier!=spot;zone=a|b`, resources and
-- terms in order of name. Functions of one shape are interchangeable to the scheduler. A pin is the term `node=a`.
--
-- A demand is what one function asks for: its shapes in order of preference, joined by `&`. One behind `30000:` joins
-- after so many milliseconds of waiting.
--
-- The term `^=cpu:40000|slots:20000` asks for a node that has so much when idle: room for all of a collocated group.

local UNIT = 10000
local MEMORY = '_memory'
local CAPACITY = '^'
local parsed, demands, families_known = {}, {}, {}

local function parse_term(text)
  local name, negation, values = string.match(text, '^([^=!]+)(!?)=(.*)$')
  local term = {name = name, negated = negation == '!', text = text, values = {}, is = {}}
  for value in string.gmatch(values, '[^|]+') do
    term.values[#term.values + 1] = value
    term.is[value] = true
  end
  return term
end

-- -> {wants = {{resource, units}, ...}, cost = its text, terms = {...}, pin = node or '', scope}
--
-- Shapes that are pinned to one node are a scope of their own, so that room on one node never looks at another's.
local function shape_of(text)
  local shape = parsed[text]
  if not shape then
    local at = string.find(text, '@', 1, true)
    shape = {text = text, cost = at and string.sub(text, 1, at - 1) or text, wants = {}, terms = {}, pin = ''}
    for resource, units in string.gmatch(shape.cost, '([^=,]+)=(%d+)') do
      shape.wants[#shape.wants + 1] = {resource, tonumber(units)}
    end
    for each in string.gmatch(at and string.sub(text, at + 1) or '', '[^;]+') do
      local term = parse_term(each)
      shape.terms[#shape.terms + 1] = term
      if term.name == 'node' and not term.negated and #term.values == 1 then
        shape.pin = term.values[1]
      end
    end
    shape.scope = shape.pin == '' and '' or '@' .. shape.pin
    parsed[text] = shape
  end
  return shape
end

-- -> {{shape = text, after = ms}, ...}
local function demand_of(text)
  local demand = demands[text]
  if not demand then
    demand = {}
    for each in string.gmatch(text .. '&', '([^&]*)&') do
      local after, shape = string.match(each, '^(%d+):(.*)$')
      demand[#demand + 1] = {shape = shape or each, after = tonumber(after or 0)}
    end
    demands[text] = demand
  end
  return demand
end

-- The devices that a resource is of: `gpu` for `gpu_memory`, else itself. Using one is using the other.
local function family_of(resource)
  local family = families_known[resource]
  if not family then
    family = string.match(resource, '^(.+)' .. MEMORY .. '$') or resource
    families_known[resource] = family
  end
  return family
end
