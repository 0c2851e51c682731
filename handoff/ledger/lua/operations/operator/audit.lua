-- Note in the stream of events that somebody asks for something, before it is done.
--
-- ARGV     who    str
--          what   str
--          about  str  of what
-- RETURNS  {'noted'}
-- @include layout  time/events

Layout.mark()
Events.emit('audit', 'who', who, 'what', what, 'about', about)
return {'noted'}
