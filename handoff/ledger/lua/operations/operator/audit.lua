-- Note in the stream of events that somebody asks for something, before it is done.
--
-- Also on a server that is full, where what is asked for may be what frees memory. The stream is bounded.
--
-- KEYS     events
-- ARGV     token  str   names this call: asked again, it notes no more
--          who    str
--          what   str
--          about  str   of what
-- RETURNS  {'noted'}
-- @include answers  layout  time/events

if not Answers.of(token) then
  -- A full server refuses what takes memory until a script has taken something away, or has tried to.
  redis.call('XDEL', K.events, '0-1')
  Layout.mark()
  Events.emit('audit', 'who', who, 'what', what, 'about', about)
  Answers.keep(token, 'noted')
end
return {'noted'}
