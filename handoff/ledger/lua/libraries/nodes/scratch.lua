-- Bitmaps that live for one script: steps of a comparison.
--
-- KEYS     scratch
-- STATE    scratched  {}  their keys
--          kept       {}  keys of those that outlive `Scratch.drop`

-- A fresh one.
function Scratch.key()
  local key = K.scratch .. (#Call.scratched + 1)
  Call.scratched[#Call.scratched + 1] = key
  return key
end

-- Drop all but those that are kept.
function Scratch.drop()
  -- Lua unpacks at most 8,000 values.
  for first = 1, #Call.scratched, 1000 do
    redis.call('DEL', unpack(Call.scratched, first, math.min(first + 999, #Call.scratched)))
  end
  Call.scratched = {}
end

-- A copy that outlives `Scratch.drop`; of one name there is one.
function Scratch.keep(name, bitmap)
  local key = K.scratch .. name
  redis.call('BITOP', 'OR', key, bitmap, bitmap)
  Call.kept[key] = true
  return key
end

function Scratch.drop_kept()
  Scratch.drop()
  for key in pairs(Call.kept) do
    redis.call('DEL', key)
  end
  Call.kept = {}
end

-- Let a script that only looks use scratch bitmaps on a server that is full. Such a server refuses a script's first write
-- that may need memory, and none after a write that needs none; what is written here is gone when the script has ended.
function Scratch.allow_when_full()
  redis.call('DEL', K.scratch)
end

-- A bitmap of `from` without those of `others`.
function Scratch.without(from, others)
  local result = Scratch.key()
  redis.call('BITOP', 'AND', result, from, others)
  redis.call('BITOP', 'XOR', result, from, result)
  return result
end

-- What stands in both.
function Scratch.both(one, other)
  local result = Scratch.key()
  redis.call('BITOP', 'AND', result, one, other)
  return result
end

-- The first position of a bitmap, -1 = it is empty.
function Scratch.first(bitmap)
  return redis.call('BITPOS', bitmap, 1)
end
