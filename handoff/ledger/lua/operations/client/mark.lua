-- Write something that changes nothing: who waits behind it on one connection waits for all that was written before.
--
-- WAIT and WAITAOF look at what their own connection wrote last, and a submit that is asked again writes nothing.
--
-- RETURNS  {'marked'}
-- @include layout

Layout.mark()
return {'marked'}
