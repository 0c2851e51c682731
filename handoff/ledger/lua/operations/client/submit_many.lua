-- Take on many functions, each as `submit` does: one that is refused does not keep out the others.
--
-- All are looked at before anything is written. What is left over is looked at once for all of them. They are taken on in
-- their order, and where that costs more than one script has time for, the last of them are left to the next call.
--
-- ARGV     token      str   names this submit, of which each of its calls takes on some
--          replace    int   1 = those of their ids that have failed or were canceled make way for them; 2 = those that have finished too
--          functions  list  texts/submission
-- RETURNS  {'submitted', {reply of submit, how many in a row are answered so, ...}}  all that was come to, the first always
-- @include arguments  jobs/submitting  texts/submission

local given = Submission.read(ARGV, functions_first)
Arguments.check('functions', given)
for _, kind in ipairs(given.kinds) do
  kind.token, kind.replace = token, replace
end
Submitting.check(given.kinds, given.functions)

local replies, size = {}, 0
for _, reply in ipairs(Submitting.many(given.functions)) do
  local last = replies[size - 1]
  if last and last[1] == reply[1] and last[2] == reply[2] and last[3] == reply[3] then
    replies[size] = replies[size] + 1
  else
    replies[size + 1], replies[size + 2] = reply, 1
    size = size + 2
  end
end
return {'submitted', replies}
