-- A function that has failed or was canceled, as if it were submitted anew: of its hash what it asked for.
--
-- @include jobs/job  texts/list  texts/number

-- What its client wrote, and nothing of what became of it. Of none in a run, which is not retried.
local KEPT = {'retries', 'function', 'code', 'unique', 'serializer', 'data', 'description', 'timeout', 'result_ttl',
  'failure_ttl', 'meta', 'success_callback_name', 'success_callback_timeout', 'failure_callback_name',
  'failure_callback_timeout', 'dependency_id', 'dependency_ids', 'allow_dependency_failures', 'created_at'}

-- What it depends on and is there yet: what is gone was kept for long enough to have ended.
local function depends_of(job)
  local left = {}
  for _, id in ipairs(List.read(Job.get(job.id, 'depends') or '')) do
    if Job.is_there(id) then
      left[#left + 1] = id
    end
  end
  return List.write(left)
end

-- What it had declared, and what it may be tried again, before it was tried with more memory.
local function put_back(job, fields)
  if job.grown then
    fields[#fields + 1], fields[#fields + 2] = Job.stored_name('retries'), Number.text(tonumber(job.retries) - 1)
  end
  return job.grown or job.demand
end

-- -> as Submitting takes it; `token` names the call
function Retrying.anew(job, token)
  local fields, values = {}, {Job.get(job.id, unpack(KEPT))}
  for i, name in ipairs(KEPT) do
    if values[i] and values[i] ~= '' then
      fields[#fields + 1], fields[#fields + 2] = Job.stored_name(name), values[i]
    end
  end
  if Job.option(job, 'depends') then
    fields[#fields + 1], fields[#fields + 2] = Job.stored_name('depends'), depends_of(job)
  end
  local kind = {token = token, replace = 1, demand = put_back(job, fields), options = job.options or '', priority = Job.priority(job),
    preferred = '', refuse = 0, delay_ms = 0, due_ms = tonumber(Job.option(job, 'due') or 0), fields = fields}
  return kind, {id = job.id, kind = kind, fields = fields}
end
