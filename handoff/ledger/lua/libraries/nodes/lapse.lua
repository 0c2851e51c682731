-- Losing a node: at once for everybody who places, in slices for what it held (nodes/recovery).
--
-- Whoever finds a lease over closes the node and raises its epoch, so that an agent which comes back finds itself stale.
-- Where more are over than one script has time for (some 40 us each), the others are late: nobody finds them any more,
-- and the next scripts go on.
--
-- KEYS     abandoned  epoch  live  lost  node  nodes  open  sweep
-- @include nodes/holds  nodes/judged  nodes/leases  nodes/node  nodes/reset  nodes/scratch  nodes/standing  runs/groups
-- @include texts/number  time/events  rare

local MOST_LOST = 8

-- Some 1 us each; one that is not closed costs whoever looks for room a hundred times as much, for it is found and refused.
local MOST_CLOSED = 16384

-- A script that has closed more of them than that has no time to lose any.
local MANY_CLOSED = 64

-- Of one command, for its arguments stand on Lua's stack.
local MOST_ASKED = 1000

-- Unique even where Redis was emptied and starts to count again.
function Lapse.next_epoch()
  local epoch = math.max((Number.whole(redis.call('GET', K.epoch)) or 0) + 1, Call.now)
  redis.call('SET', K.epoch, Number.text(epoch))
  return Number.text(epoch)
end

-- `cause` is why what runs there is lost, of texts/loss, nil where the node was.
function Lapse.abandon(node, change, cause)
  if node.bent then
    Reset.node(node)
  end
  node.state = 'lost'
  node.epoch = Lapse.next_epoch()
  redis.call('HSET', K.node .. node.name, 'state', 'lost', 'epoch', node.epoch)
  Node.set_field(node, 'cause', cause)
  if node.external then
    -- That was for its agent to say.
    Node.set_field(node, 'external', nil)
    Node.set_field(node, 'external_devices', nil)
  end
  Leases.drop(node.name)
  redis.call('ZADD', K.lost, Call.now, node.name)
  redis.call('ZADD', Rare.write(K.abandoned), Call.now, node.name)
  Standing.set_open(node)
  Standing.set_live(node)
  Holds.lift(node)
  Groups.disband(node)
  Events.emit('node', 'node', node.name, 'change', change, 'epoch', node.epoch)
end

-- The positions of nodes as a bitmap.
local function bitmap_of(names)
  local bytes, last = {}, -1
  for from = 1, #names, MOST_ASKED do
    local upto = math.min(#names, from + MOST_ASKED - 1)
    for _, score in ipairs(redis.call('ZMSCORE', K.nodes, unpack(names, from, upto))) do
      local position = tonumber(score or nil)
      if position then
        local byte = math.floor(position / 8)
        bytes[byte] = (bytes[byte] or 0) + 2 ^ (7 - position % 8)
        last = math.max(last, byte)
      end
    end
  end
  for byte = 0, last do
    bytes[byte] = string.char(bytes[byte] or 0)
  end
  local key = Scratch.key()
  redis.call('SET', key, table.concat(bytes, '', 0, last))
  return key
end

-- Nobody is to find those that are late; `closed_upto` says of which leases that is done. -> how many were closed
local function close_late()
  local names, upto = Leases.late(Number.whole(redis.call('HGET', K.sweep, 'closed_upto')) or 0, MOST_CLOSED)
  if #names == 0 then
    return 0
  end
  local late = bitmap_of(names)
  for _, bitmap in ipairs({K.open, K.live}) do
    redis.call('BITOP', 'OR', bitmap, bitmap, late)
    redis.call('BITOP', 'XOR', bitmap, bitmap, late)
  end
  Scratch.drop()
  Judged.forget()
  redis.call('HSET', K.sweep, 'closed_upto', Number.text(upto))
  return #names
end

-- Of a node that is gone, as on a server that evicts, the lease goes too.
local function lose(name)
  local node = Node.load(name)
  if node then
    Lapse.abandon(node, 'lost')
  else
    Leases.drop(name)
  end
end

-- The nodes whose leases are over are lost, before all others the one that the caller is about. -> whether more are late
function Lapse.leases(name)
  if not Leases.are_over() then
    return false
  end
  if name and Leases.left(name) == 0 then
    lose(name)
  end
  local closed = #Leases.over(MOST_LOST + 1) > MOST_LOST and close_late() or 0
  for _, each in ipairs(closed > MANY_CLOSED and {} or Leases.over(MOST_LOST)) do
    lose(each)
  end
  return Leases.look_for_late()
end

-- The node of an agent's call; nil where its epoch has passed, and nothing of it is that agent's any more. One whose books
-- cannot be read is lost: its agent registers it anew.
function Lapse.own_node(name, epoch)
  Lapse.leases(name)
  local node = Node.load(name)
  if node and node.bent then
    Lapse.abandon(node, 'lost')
  end
  return node and node.epoch == epoch and node or nil
end
