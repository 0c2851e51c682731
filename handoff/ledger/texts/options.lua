-- What few functions ask for, `unfit=60000;wait=5000;strategy=load_balanced`.
--
-- @include texts/number  texts/number_list

local STRATEGIES = {first_available = true, load_balanced = true}

function Options.is_strategy(name)
  return STRATEGIES[name] == true
end

local IS_SOUND = {
  unfit = Number.whole,
  wait = Number.whole,
  delay = Number.whole,
  due = Number.whole,
  strategy = Options.is_strategy,
  isolation = function(value) return value == 'warm' or value == 'fresh' end,
  exceeded = function(value) return value == 'grow' end,
  loss = function(value) return value == 'fail' end,
  unique = Number.whole,
  depends = function(value) return value == '0' or value == '1' end,
  prefer = function() return true end,
  only = function(value) return value ~= '' end,
  never = function(value) return value ~= '' end,
  after = NumberList.is_sound,
}

local function parts(text)
  return string.match(text, '^([^=]*)=?(.*)$')
end

-- Whether this version knows every option, and can read its value.
function Options.is_sound(text)
  for each in string.gmatch(text, '[^;]+') do
    local name, value = parts(each)
    if not IS_SOUND[name] or not IS_SOUND[name](value) then
      return false
    end
  end
  return true
end

-- -> the value as text, or nil
function Options.get(text, name)
  for each in string.gmatch(text, '[^;]+') do
    local option, value = parts(each)
    if option == name then
      return value
    end
  end
  return nil
end
