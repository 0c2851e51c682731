-- Shapes: a cost and its constraints as one line, `cpu=20000,gpu=5000,slots=10000@tier!=spot;zone=a|b`, resources and
-- terms in order of name. Functions of one shape are interchangeable to the scheduler.
--
-- PARSED   shapes  text -> the shape
-- @include texts/cost  texts/terms

-- -> {text, cost = its text, constraints = their text, wants = {{resource, units}, ...}, terms, pin = node or '', scope}
--
-- Shapes that are pinned to one node are a scope of their own, so that room on one node never looks at another's.
function Shape.read(text)
  local shape = Parsed.shapes[text]
  if not shape then
    -- Labels may hold an @ too; resources never do.
    local cost, constraints = string.match(text, '^([^@]*)@?(.*)$')
    shape = {text = text, cost = cost, constraints = constraints, wants = Cost.read(cost),
      terms = Terms.read(constraints), pin = ''}
    for _, term in ipairs(shape.terms) do
      shape.pin = Terms.pinned_by(term) or shape.pin
    end
    shape.scope = Shape.scope_of(shape.pin)
    Parsed.shapes[text] = shape
  end
  return shape
end

function Shape.is_sound(text)
  local cost, constraints = string.match(text, '^([^@]*)@?(.*)$')
  return Cost.is_sound(cost) and Terms.is_sound(constraints)
end

function Shape.write(cost, constraints)
  return cost .. (constraints ~= '' and '@' or '') .. constraints
end

-- The scope of what is pinned to a node; '' of all other shapes.
function Shape.scope_of(pin)
  return pin == '' and '' or '@' .. pin
end
