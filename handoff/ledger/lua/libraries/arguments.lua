-- What an operation was given, looked at before it writes anything: Redis does not roll back.

function Arguments.check(name, is_sound)
  if not is_sound then
    error('argument ' .. name .. ' is not what the header says', 0)
  end
end
