-- The rule of deaths. A death is the unasked end of a child process, or of a node: nobody drained it, told its agent to end,
-- canceled or stopped the function, or had given it a limit of time.
--
-- A function that has died three times in a row is failed, whatever retries are left, with the history of that: it may well
-- be what it kills. Only an attempt that came to an end of its own is between two deaths; one that was taken from its node
-- says nothing.
--
-- What speaks against a node is nodes/blame's.
--
-- @include jobs/job  nodes/blame  texts/death  texts/zipped  time/timestamp

local MOST_IN_A_ROW = 3

Deaths.ERROR = 'handoff.Poisoned'

-- One more death of a function, by that of its child or of its node. -> what is said of them, in one line and as a traceback, where there are enough; or nil
function Deaths.count(job, node_name, what)
  if job.bent then
    return nil
  end
  local text = Death.add(job.deaths, Timestamp.now(), node_name, what)
  local deaths = Death.read(text)
  if #deaths < MOST_IN_A_ROW then
    Job.set(job, 'deaths', text)
    return nil
  end
  if job.deaths then
    Job.unset(job, 'deaths')
  end
  local message, lines = Death.history(deaths)
  return message, Zipped.write(Deaths.ERROR .. ': ' .. lines)
end

-- It speaks against the node, too: when it is known what becomes of the function, for where that is tried again it may need
-- this very node.
function Deaths.blame(job, node_name, is_of_node)
  if not job.bent then
    local blame = is_of_node and Blame.lost_node or Blame.node
    blame(node_name, job.code or job.id)
  end
end

-- An attempt came to an end of its own.
function Deaths.outlived(job)
  if job.deaths then
    Job.unset(job, 'deaths')
  end
end
