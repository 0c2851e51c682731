-- Names that a run gives: the job of its n-th function is `<run>-<n>`, the token of its max_concurrency `run.<run>`.

function RunId.job(run, number)
  return run .. '-' .. number
end

-- -> run, number
function RunId.parts(job_id)
  return string.match(job_id, '^(.*)%-(%d+)$')
end

function RunId.number(job_id)
  return string.match(job_id, '%-(%d+)$')
end

function RunId.token(run)
  return 'run.' .. run
end
