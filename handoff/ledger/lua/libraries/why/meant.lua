-- What is asked for by a name that nothing has, with the names that there are and that are nearly as long: one of them may
-- be meant. Which one is for whoever says it to choose.
--
-- @include nodes/shared  texts/index_name  texts/node_class  texts/resource  texts/shortfall  texts/terms

local MOST_NAMES, MOST_APART = 16, 3

-- The names of resources, and those of labels, of these classes of nodes and of what all share. -> two sets
local function there(classes)
  local resources, labels = {}, {}
  for name in pairs(Shared.load().cap) do
    resources[name] = true
  end
  for _, class in ipairs(classes) do
    local values, of_class = NodeClass.read(class)
    for index in pairs(values) do
      local name, part = IndexName.read(index)
      resources[part == 'memory' and Resource.memory(name) or name] = true
    end
    for label in pairs(of_class) do
      labels[label] = true
    end
  end
  return resources, labels
end

local function near(name, names)
  local found = {}
  for each in pairs(names) do
    if math.abs(#each - #name) <= MOST_APART then
      found[#found + 1] = each
    end
  end
  table.sort(found)
  return {unpack(found, 1, math.min(#found, MOST_NAMES))}
end

-- -> {item, ...} (texts/shortfall)
function Meant.items(shape, classes)
  local resources, labels = there(classes)
  local items = {}
  for _, want in ipairs(shape.wants) do
    local found = resources[want[1]] and {} or near(want[1], resources)
    items[#items + 1] = found[1] and Shortfall.of_unknown(want[1], found) or nil
  end
  for _, term in ipairs(shape.terms) do
    local is_label = term.name ~= Terms.NODE and term.name ~= Terms.CAPACITY and not term.negated
    local found = is_label and not labels[term.name] and near(term.name, labels) or {}
    items[#items + 1] = found[1] and Shortfall.of_unknown_label(term.name, found) or nil
  end
  return items
end
