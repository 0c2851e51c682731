-- Holding a node for a function that was overtaken too often: what it lacks there is left to it.
--
-- `holds` has the rank of every holder, and ranks are given once: so a rank finds the nodes that are held for it.
--
-- KEYS     holds  withheld  dirty
-- @include lib/node
-- @include lib/events

local function begin_hold(node, job_id, rank, lacks, now)
  set_field(node, 'hold', text(rank) .. '|' .. job_id .. '|' .. lacks)
  redis.call('ZADD', K.holds, text(rank), node.name)
  if node.position then
    redis.call('SETBIT', K.withheld, node.position, 1)
  end
  emit(now, 'held', 'node', node.name, 'job', job_id, 'lacks', lacks)
end

-- The room that was left free is tried with all that waits.
local function end_hold(node, now)
  if not node.hold then
    return
  end
  local job_id = string.match(node.hold, '^%d+|([^|]*)|')
  set_field(node, 'hold', nil)
  redis.call('ZREM', K.holds, node.name)
  if node.position then
    redis.call('SETBIT', K.withheld, node.position, 0)
  end
  redis.call('ZADD', K.dirty, '-inf', node.name)
  if node.name == SHARED then
    set_tried(node, {})
  end
  emit(now, 'unheld', 'node', node.name, 'job', job_id)
end

local function end_holds_of(rank, now)
  for _, name in ipairs(redis.call('ZRANGEBYSCORE', K.holds, rank, rank)) do
    end_hold(load_node(name), now)
  end
end
