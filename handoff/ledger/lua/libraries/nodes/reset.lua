-- A node of which something cannot be read, or whose hash is gone: nothing is believed that the index says of it.
--
-- KEYS     class  classes  hold_bits  holds  label  labels
-- @include nodes/classes  nodes/index  nodes/node  nodes/node_labels  texts/labels

function Reset.node(node)
  Index.wipe(node.position)
  node.label = {}
  for _, label in ipairs(redis.call('HKEYS', K.labels)) do
    if redis.call('GETBIT', K.label .. label, node.position) == 1 then
      for name, value in pairs(Labels.read(label)) do
        node.label[name] = value
      end
    end
  end
  NodeLabels.set(node, '')
  for _, class in ipairs(redis.call('ZRANGE', K.classes, 0, -1)) do
    if redis.call('ZSCORE', K.class .. class, node.name) then
      node.class = class
      Classes.leave(node)
    end
  end
  redis.call('SETBIT', K.hold_bits, node.position, 0)
  redis.call('ZREM', K.holds, node.name)
  Node.blank(node)
end
