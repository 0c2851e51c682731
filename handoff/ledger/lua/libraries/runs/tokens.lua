-- A run's max_concurrency: a token that all nodes share, of which each of its functions needs one. No other rule, and no
-- other place where a function could get lost.
--
-- @include nodes/holds  nodes/node  nodes/shared  texts/run_id  waiting/counters

function Tokens.add(run, units)
  local shared = Shared.open()
  Node.set_capacity(shared, RunId.token(run), units)
  Node.write(shared)
end

-- What rq deleted may still run, and gives its token back later.
function Tokens.drop(run)
  local token = RunId.token(run)
  Shared.withdraw(token)
  Counters.forget(token)
  Node.write(Shared.load())
  Holds.close_shared()
end
