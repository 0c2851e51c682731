-- Which of the nodes that fit: a strategy takes a bitmap of them and returns a bit position, -1 = there is none.
--
-- @include lib/first_available
-- @include lib/load_balanced

local STRATEGIES = {first_available = first_available, load_balanced = load_balanced}

local function strategy_named(name)
  return STRATEGIES[name or 'first_available']
end
