-- Take on one function: write its job, then place it, or let it wait.
--
-- All in one round trip. Asked again with the same token (the reply was lost) it answers as the function stands,
-- and changes nothing.
--
-- ARGV     job_id     str
--          token      str   names this submit
--          demand     str   its shapes in order of preference: texts/demand
--          options    str   what few have: texts/options
--          priority   int
--          preferred  str   a node to try first, or ''
--          refuse     int   1 = write nothing where no live node could hold it
--          replace    int   1 = one of that id that has failed or was canceled makes way for it; 2 = one that has finished too
--          delay_ms   int   0 = none
--          due_ms     int   not before, by the server's clock; 0 = at once
--          fields     list  of the job's hash: name, value, ...
-- RETURNS  {'placed', node, devices}
--          {'waiting', nodes}       how many live nodes could hold it when idle
--          {'infeasible', nearest}  none could: texts/shortfall
--          {'refused', nearest}     the same, and nothing was written
--          {'delayed', until_ms}
--          {'deferred', count, {{id, function, status, state, node}, ...}}  of how many ends it waits; some of them
--          {'missing', id}          it depends on that, of which there is no job; nothing was written
--          {'duplicate'}            the id is taken; nothing was written
--          {'held', job_id, function, status, demand, reply}  another function has its key, which stands as the reply
--                                   of its own submit would tell; nothing was written
-- @include jobs/submitting

local kind = {token = token, replace = replace, demand = demand, options = options, priority = priority, preferred = preferred,
  refuse = refuse, delay_ms = delay_ms, due_ms = due_ms, fields = {unpack(ARGV, fields_first)}}
local one = {id = job_id, kind = kind, fields = kind.fields}
Submitting.check({kind}, {one})
return Submitting.alone(one)
