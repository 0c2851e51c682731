-- Holding a node for a function that was overtaken too often: what it lacks there is left to it.
--
-- `holds` has the rank of every holder, and ranks are given once: so a rank finds the nodes that are held for it.
--
-- KEYS     hold_bits  holds  reservations
-- STATE    are_holds  nil  whether there may be any, once that was asked
-- @include nodes/dirty  nodes/node  nodes/scratch  nodes/shared  texts/hold  texts/list  texts/number  texts/resource
-- @include time/events  writes  rare

-- What says for whom a node is held (texts/hold), or nil.
function Holds.on(node)
  return node.hold and Hold.read(node.hold) or nil
end

function Holds.begin(node, job_id, rank, families)
  local text = Hold.write(rank, job_id, families)
  Node.set_field(node, 'hold', text)
  redis.call('ZADD', Rare.write(K.holds), Number.text(rank), node.name)
  Call.are_holds = true
  if node.position then
    redis.call('SETBIT', K.hold_bits, node.position, 1)
  end
  Events.emit('held', 'node', node.name, 'job', job_id, 'lacks', List.write(families))
end

-- The room that was left free is tried with all that waits.
function Holds.lift(node)
  local hold = Holds.on(node)
  if not hold then
    return
  end
  Node.set_field(node, 'hold', nil)
  redis.call('ZREM', K.holds, node.name)
  if node.position then
    redis.call('SETBIT', K.hold_bits, node.position, 0)
  end
  Dirty.mark(node.name)
  if node.name == Shared.NAME then
    Shared.set_tried({})
  end
  Events.emit('unheld', 'node', node.name, 'job', hold.job)
end

-- Also where the node is gone, or does not say for whom it is held.
function Holds.lift_from(name)
  local node = Node.load(name)
  if node and node.hold then
    Holds.lift(node)
    return
  end
  redis.call('ZREM', K.holds, name)
  if node and node.position then
    redis.call('SETBIT', K.hold_bits, node.position, 0)
  end
  if node then
    Node.set_field(node, 'hold', nil)
    Dirty.mark(name)
  end
end

function Holds.are_any()
  if Call.are_holds == nil then
    Call.are_holds = Rare.exists(K.holds)
  end
  return Call.are_holds
end

-- `rank` as text.
function Holds.lift_of(rank)
  if not Holds.are_any() then
    return
  end
  for _, name in ipairs(redis.call('ZRANGEBYSCORE', K.holds, rank, rank)) do
    Holds.lift_from(name)
  end
end

-- What is shared is gone when nothing of it is there, and nobody has reserved any. A hold on it ends with it: nobody can
-- lack what nobody has.
function Holds.close_shared()
  local shared = Shared.load()
  if not next(shared.cap) and redis.call('EXISTS', Writes.settle(K.reservations .. Shared.NAME)) == 0 then
    Holds.lift(shared)
    Node.drop(shared)
  end
end

-- Who comes after the holder does not use there what the holder lacks.
function Holds.bars(node, shape, rank)
  local hold = Holds.on(node)
  if not hold or rank <= hold.rank then
    return false
  end
  for _, lacked in ipairs(hold.families) do
    for _, want in ipairs(shape.wants) do
      if Resource.family(want[1]) == lacked then
        return true
      end
    end
  end
  return false
end

-- Where the holder holds already it goes on there, or nowhere.
function Holds.own(rank)
  for _, name in ipairs(redis.call('ZRANGEBYSCORE', K.holds, Number.text(rank), Number.text(rank))) do
    if name ~= Shared.NAME then
      return Node.load(name)
    end
  end
  return nil
end

-- The nodes that are held for somebody before whom a function of that rank does not come.
function Holds.barred(shape, rank)
  local bitmap = Scratch.key()
  for _, name in ipairs(redis.call('ZRANGE', K.holds, 0, -1)) do
    local node = name ~= Shared.NAME and Node.load(name)
    if node and Holds.bars(node, shape, rank) then
      redis.call('SETBIT', bitmap, node.position, 1)
    end
  end
  return Scratch.keep('barred', bitmap)
end
