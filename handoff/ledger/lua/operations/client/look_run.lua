-- Read what is known of one run.
--
-- KEYS     run  run_of
-- ARGV     dag  str   the user's id, where `run` is ''
--          run  str   '' = the newest of that id
-- RETURNS  {'looked', run, {field, value, ...}}
--          {'unknown'}
-- @flags no-writes

local found = run ~= '' and run or redis.call('GET', K.run_of .. dag)
local fields = found and redis.call('HGETALL', K.run .. found) or {}
if #fields == 0 then
  return {'unknown'}
end
return {'looked', found, fields}
