-- Classes of alike nodes: live ones with the same capacities and labels, so that whoever asks why nothing fits looks at
-- each class once, however many nodes there are. A class is named by texts/node_class.
--
-- KEYS     alike  class  classes
-- @include nodes/node  nodes/values  texts/node_class  texts/terms

function Classes.join(node)
  local class = NodeClass.write(Values.of(node, 'cap'), node.labels or '')
  Node.set_field(node, 'class', class)
  redis.call('ZADD', K.class .. class, 0, node.name)
  redis.call('SETBIT', K.alike .. class, node.position, 1)
  redis.call('ZADD', K.classes, 0, class)
end

function Classes.leave(node)
  local class = node.class
  if not class then
    return
  end
  Node.set_field(node, 'class', nil)
  redis.call('ZREM', K.class .. class, node.name)
  if redis.call('EXISTS', K.class .. class) == 1 then
    redis.call('SETBIT', K.alike .. class, node.position, 0)
  else
    redis.call('DEL', K.alike .. class)
    redis.call('ZREM', K.classes, class)
  end
end

-- The nodes that stand for a class: those that the terms of a shape speak of, and the first other one by name.
function Classes.examples(class, shape)
  local names, spoken = {}, {}
  for _, term in ipairs(shape.terms) do
    for _, value in ipairs(term.name == Terms.NODE and term.values or {}) do
      spoken[value] = true
      if redis.call('ZSCORE', K.class .. class, value) then
        names[#names + 1] = value
      end
    end
  end
  local from = 0
  repeat
    local name = redis.call('ZRANGE', K.class .. class, from, from)[1]
    from = from + 1
    if name and not spoken[name] then
      names[#names + 1] = name
      return names
    end
  until not name
  return names
end
