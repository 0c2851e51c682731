-- What follows an attempt that failed: a delayed retry, or the end.
--
-- @include lib/admit
-- @include lib/ending

local FIRST_BACKOFF_MS, LONGEST_BACKOFF_MS = 1000, 60000

-- A function of which nothing is to be kept is kept until an agent has run its on_failure.
local function keep_for_callback(job)
  if job.failure_callback_name and tonumber(job.failure_ttl) == 0 then
    job.failure_ttl = '60'
  end
end

-- -> 'retrying', 'failed' or 'failed+callback' (its on_failure is still to be run). `jitter` is a factor around 1.
local function fail_job(job, error, message, body, retryable, jitter, lobby, now)
  local attempts = tonumber(job.h_attempts or 0)
  if retryable and attempts <= tonumber(job.h_retries or 0) then
    local backoff = math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ^ (attempts - 1)) * jitter
    admit_later(job, lobby, math.floor(now + backoff), now)
    return 'retrying'
  end
  set_job(job, 'h_error', error, 'h_message', message)
  end_job(job, 'failed', body, now)
  return job.failure_callback_name and 'failed+callback' or 'failed'
end
