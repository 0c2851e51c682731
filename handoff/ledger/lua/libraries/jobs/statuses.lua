-- The words of RQ for how a job stands.

Statuses.ALL = {created = true, queued = true, started = true, deferred = true, scheduled = true, finished = true,
  failed = true, stopped = true, canceled = true}

Statuses.ENDED = {finished = true, failed = true, stopped = true, canceled = true}
