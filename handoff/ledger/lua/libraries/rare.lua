-- Keys that mostly are not there: who is to ask for several of them asks for all in one command.
--
-- STATE    absent  {}  key -> true where this script has found that it is not there, and has not written it

function Rare.look(...)
  if redis.call('EXISTS', ...) == 0 then
    local keys = {...}
    for i = 1, #keys do
      Call.absent[keys[i]] = true
    end
  end
end

-- Whether it is known that it is not there.
function Rare.is_absent(key)
  return Call.absent[key]
end

function Rare.exists(key)
  return not Call.absent[key] and redis.call('EXISTS', key) == 1
end

-- It was found so in another way.
function Rare.note_absent(key)
  Call.absent[key] = true
end

-- It is about to be written. -> the key
function Rare.write(key)
  Call.absent[key] = nil
  return key
end
