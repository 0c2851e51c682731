-- What speaks against a node: that different functions died there in a short time, and nowhere else. Five times the same one,
-- or one that also died on another node, tells of the function. So names are counted, and not jobs: that of the code.
--
-- What dies together with its node counts once: a host that was switched off in the midst of ten functions is none that
-- kills them.
--
-- KEYS     deaths_of  deaths_on
-- @include nodes/cordon  nodes/node

local WINDOW_MS = 600000

local ENOUGH = 5

-- Names of a node, and nodes of a name.
local MOST_KEPT = 64

local function note(key, member)
  redis.call('ZADD', key, Call.now, member)
  redis.call('ZREMRANGEBYSCORE', key, '-inf', Call.now - WINDOW_MS)
  redis.call('ZREMRANGEBYRANK', key, 0, -MOST_KEPT - 1)
  redis.call('PEXPIRE', key, WINDOW_MS)
end

-- A function of that name died on a node.
function Blame.node(name, code)
  note(K.deaths_on .. name, code)
  note(K.deaths_of .. code, name)
  local node = Node.load(name)
  if not node or node.cordoned or redis.call('ZCARD', K.deaths_on .. name) < ENOUGH then
    return
  end
  local here = {}
  for _, each in ipairs(redis.call('ZRANGE', K.deaths_on .. name, 0, -1)) do
    if redis.call('ZCOUNT', K.deaths_of .. each, Call.now - WINDOW_MS, '+inf') == 1 then
      here[#here + 1] = each
    end
  end
  if #here >= ENOUGH and Cordon.may_close(node) then
    Cordon.close(node, here)
  end
end

-- The same where the node itself went.
function Blame.lost_node(name, code)
  local node = Node.load(name)
  if node and not node.blamed then
    Node.set_field(node, 'blamed', '1')
    Blame.node(name, code)
  end
end

-- An operator has looked after it.
function Blame.forget(name)
  redis.call('DEL', K.deaths_on .. name)
end
