-- Bounded overtaking: the head of a shape that is overtaken too often, or waits too long, holds a node.
--
-- Only heads of the first ranks can come to hold one (see Limits.MOST_HOLDS), so only those are looked at: a few at each
-- placement, all of them at each tick.
--
-- KEYS     waiting
-- @include nodes/fronts  texts/note  texts/shape  waiting/counters  waiting/firsts  waiting/granting  waiting/limits
-- @include waiting/lines  waiting/notes

local WINDOW = 8

-- Searches for a node to be held at one placement; the others are made at the next.
local MOST_TRIES = 3

-- A placement, when others wait that came before it, is one more by which they were overtaken.
function Overtaking.count_placement(shape, rank, has_waited)
  local _, first = Firsts.of(K.waiting)
  if not first then
    return
  end
  if first + 0 > rank then
    if has_waited then
      Counters.count_gone()
    end
    return
  end
  Notes.save()
  local all = Counters.count(shape)
  local most = Limits.get()
  if most == 0 then
    return
  end
  local windows = math.ceil(math.min(Fronts.count(), Limits.MOST_HOLDS) / WINDOW)
  -- None where all that wait stand in no line yet.
  if windows == 0 then
    return
  end
  local from = all % windows * WINDOW
  local shapes = Fronts.among(from, from + WINDOW - 1)
  local tries = 0
  for i, note in ipairs(Notes.of(shapes)) do
    if tries < MOST_TRIES and all - (Note.looked(note) or all) >= most then
      tries = tries + (Granting.consider(shapes[i], false) and 1 or 0)
    end
  end
end

-- Heads that have waited too long, a few at a time. -> whether there may be more
function Overtaking.consider_late()
  local _, longest_ms = Limits.get()
  local shapes = longest_ms > 0 and Fronts.among(0, Limits.MOST_HOLDS - 1) or {}
  local count = 0
  for i, note in ipairs(Notes.of(shapes)) do
    local known, shape = Note.read(note), Shape.read(shapes[i])
    local head = not known and Lines.head(shape)
    if head then
      -- It was written over.
      Notes.begin(shape, head)
    elseif known and Call.now - known.late >= longest_ms then
      Granting.consider(shapes[i], true)
      count = count + 1
      if count == WINDOW then
        return true
      end
    end
  end
  return false
end
