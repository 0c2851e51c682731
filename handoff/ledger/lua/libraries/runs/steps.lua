-- Going through the functions of a run, as far as a budget reaches.
--
-- What is left over is done in steps: `step` is {run, number, from = how far it has come, budget, ready = the jobs that
-- became ready}; what does it returns what that cost, and where to go on, nil = it is done.
--
-- KEYS     run
-- @include texts/number  texts/number_list

-- To count one dependency down costs a small part of making a function ready.
Steps.STEP, Steps.SMALL = 1, 1 / 16

-- More functions than any run has.
local MOST = 10 ^ 6

-- Go through numbers in a text, from a byte on.
function Steps.each_number(step, listed, visit)
  local cost = 0
  local number, first, last = NumberList.next(listed, step.from)
  while number do
    if cost >= step.budget then
      return cost, first - 1
    end
    cost = cost + visit(number)
    number, first, last = NumberList.next(listed, last)
  end
  return cost + Steps.STEP
end

-- Go through all functions of its run.
function Steps.each_function(step, visit)
  local total = Number.whole(redis.call('HGET', K.run .. step.run, 'total'), 0, MOST) or 0
  local number, cost = step.from, 0
  while number < total do
    if cost >= step.budget then
      return cost, number
    end
    number = number + 1
    cost = cost + visit(Number.text(number))
  end
  return cost + Steps.STEP
end
