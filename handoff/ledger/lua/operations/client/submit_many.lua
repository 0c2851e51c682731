-- Take on many functions, each as `submit` does: one that is refused does not keep out the others.
--
-- All are looked at before anything is written. What is left over is looked at once for all of them. They are taken on in
-- their order, and where that costs more than one script has time for, the last of them are left to the next call.
--
-- ARGV     token      str   names this submit, of which each of its calls takes on some
--          replace    int   1 = those of their ids that have failed or were canceled make way for them
--          functions  list  texts/submission
-- RETURNS  {'submitted', {reply of submit, ...}}  of each that was come to, the first always
-- @include arguments  jobs/submitting  texts/submission

Arguments.check('functions', Submission.are_sound(ARGV, functions_first))
local all = Submission.read(ARGV, functions_first)
for _, one in ipairs(all) do
  one.token, one.replace = token, replace
  Submitting.check(one)
end
return {'submitted', Submitting.many(all)}
