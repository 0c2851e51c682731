-- The results that are sent along with a function that takes them.
--
-- KEYS     rq_results
-- STATE    sent  {}  job -> the newest entry of its result, false where it is large: of a fan-out all take the same one
-- @include jobs/job  texts/number_list  texts/run_id

-- Of one that takes more its child reads them.
local MOST_SENT = 16

local function result_to_send(id)
  if Call.sent[id] == nil then
    Call.sent[id] = not Job.get(id, 'bulk')
      and redis.pcall('XREVRANGE', K.rq_results .. id, '+', '-', 'COUNT', 1)[1] or false
  end
  return Call.sent[id]
end

-- The results that a function of a run takes, {number, {field, value, ...}}, as far as they are few and small.
function Inputs.of(job_id)
  local job, inputs = Job.read(job_id), {}
  local takes = job and job.takes
  if not takes then
    return inputs
  end
  local run = RunId.parts(job_id)
  local numbers = run and NumberList.read(takes) or {}
  for _, number in ipairs(#numbers <= MOST_SENT and numbers or {}) do
    local entry = result_to_send(RunId.job(run, number))
    if entry then
      inputs[#inputs + 1] = {tonumber(number), entry[2]}
    end
  end
  return inputs
end
