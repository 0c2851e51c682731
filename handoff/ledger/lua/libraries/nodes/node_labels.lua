-- The labels of a node, and the bitmap of each.
--
-- KEYS     label  labels
-- @include counting  nodes/node  texts/labels

-- A label as its bitmap is called.
function NodeLabels.of(label, value)
  return Labels.write_one(label, value)
end

-- Whether the node has that one.
function NodeLabels.has(node, name)
  for label, value in pairs(node.label) do
    if Labels.write_one(label, value) == name then
      return true
    end
  end
  return false
end

local function count(label, by)
  if Counting.add(K.labels, label, by) <= 0 then
    redis.call('HDEL', K.labels, label)
    redis.call('DEL', K.label .. label)
  end
end

-- Replace the labels by those of a text (texts/labels).
function NodeLabels.set(node, labels)
  local now_has = Labels.read(labels)
  local function change(name, value, bit)
    local label = Labels.write_one(name, value)
    redis.call('SETBIT', K.label .. label, node.position, bit)
    count(label, bit == 1 and 1 or -1)
  end
  for name, value in pairs(node.label) do
    if now_has[name] ~= value then
      change(name, value, 0)
    end
  end
  for name, value in pairs(now_has) do
    if node.label[name] ~= value then
      change(name, value, 1)
    end
  end
  node.label = now_has
  Node.set_field(node, 'labels', labels ~= '' and labels or nil)
end
