-- Read the newest runs.
--
-- KEYS     run  runs
-- ARGV     count  int
-- RETURNS  {'runs', {{run, {field, value, ...}}, ...}}  newest first
-- @flags no-writes

local listed = {}
for _, run in ipairs(redis.call('ZREVRANGE', K.runs, 0, count - 1)) do
  local fields = redis.call('HGETALL', K.run .. run)
  if #fields > 0 then
    listed[#listed + 1] = {run, fields}
  end
end
return {'runs', listed}
