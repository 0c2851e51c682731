-- Reserving for all functions of a run before any starts.
--
-- Each `claim` of a slice is a group that goes to one node: strategy, terms, then a number and costs (joined by &) per
-- function. What a function holds so is its own reservation: it starts with it when its dependencies have ended.
--
-- KEYS     order
-- @include lib/gang
-- @include lib/reserve
-- @include lib/group

-- With which of its demand it starts: the options of a group are combinations, and what counts later is in between.
local function variant_of(job, cost)
  for i, variant in ipairs(demand_of(job.h_demand)) do
    if variant.after == 0 and shape_of(variant.shape).cost == cost then
      return i
    end
  end
  return 1
end

-- -> nil, or the group that fits nowhere and what it is short of: then nothing of this slice is reserved.
local function reserve_whole(run, claims, now)
  local groups = {}
  for i, claim in ipairs(claims) do
    local terms = claim[2] ~= '' and '@' .. claim[2] or ''
    local group = {number = claim.number, strategy = claim[1], shape = shape_of(terms), rank = 0}
    for at = 3, #claim, 2 do
      local job = read_job(run .. '-' .. claim[at])
      group.rank = math.max(group.rank, tonumber(job.h_rank))
      group[#group + 1] = {job = job, costs = demand_of(claim[at + 1])}
    end
    groups[i] = group
  end
  return place_gang({
    take = function(node, entry, cost)
      local job = entry.job
      local placement = text(redis.call('INCR', K.order))
      local devices = hold(node, job.id .. ':' .. placement, cost, now)
      set_job(job, 'h_node', node.name, 'h_devices', devices, 'h_placement', placement, 'h_variant',
        text(variant_of(job, cost) - 1), 'h_reserved', '1')
      if job.h_group then
        choose_for_group(job, node)
      end
    end,
    drop = function(entry)
      give_back(entry.node, reservation_of(entry.job), 'undone', now)
      if entry.job.h_group then
        leave_node(run, entry.job.h_group, entry.node.name)
      end
      unset_job(entry.job, 'h_node', 'h_devices', 'h_placement', 'h_variant', 'h_reserved')
    end,
  }, groups, {})
end
