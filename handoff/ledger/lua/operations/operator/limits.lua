-- Read how often, and for how long, the first of a shape may be overtaken before it holds a node.
--
-- RETURNS  {'limits', count, ms}  0 = without a limit
-- @include waiting/limits
-- @flags no-writes

local count, ms = Limits.get()
return {'limits', count, ms}
