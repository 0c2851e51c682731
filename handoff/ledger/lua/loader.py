"""Makes one script of an operation and of what it reaches of its libraries.

Every library is a table called like its file (`nodes/node.lua` is `Node`); what it does not put there is its own. A
file sees the tables of the files that it includes, and no others. `Call` is the one context of a call: `Call.lobby`
(RQ's name of the lobby queue: the namespace), `Call.layout` (ledger/layout.py), `Call.wall` (ms; by the server's clock,
which `Call.is_live` says, or the time that a test gives), `Call.now` and `Call.uptime` (what `time/clock` makes of it),
and what libraries keep until the operation ends, which no library keeps anywhere else. `K` has the full names of keys,
`F` the names of a job's fields.

Every operation begins with `layout`, or with `time/clock`, which asks the same: where the data is of another layout
than `Call.layout`, it is answered {'layout', found} and does nothing, but for those that say `-- @unguarded`.

The namespace's prefix travels as the only KEYS entry: one script text, and one SHA, serves every namespace, and a call
carries no list of forty keys. (Redis Cluster is out of scope.)

The server makes every function of a script anew at each call (0.3 us each), so a script carries only the definitions
that it reaches, and a library is made when the first of its names is asked for: most calls need few of them. What a
library names as `-- @finally save` is called when the operation has ended, what it names as `-- @first start` before.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import resources
from importlib.resources.abc import Traversable

from handoff.ledger import layout
from handoff.ledger.fields import FIELDS
from handoff.ledger.keys import paths
from handoff.ledger.lua.header import BadHeader, Header, parse

_WORD = re.compile(r"[A-Za-z_]\w*")
_QUALIFIED = re.compile(r"\b([A-Z]\w*)\.(\w+)")
_PUBLIC = re.compile(r"function ([A-Z]\w*\.\w+)\(|([A-Z]\w*\.\w+(?:, [A-Z]\w*\.\w+)*) = ")
_PRIVATE = re.compile(r"local (?:function )?(\w+(?:, \w+)*)")
_CONVERSIONS = {"str": "ARGV[{}]", "int": "read_whole({}, '{}')"}

CONTEXT_ARGUMENTS = ("lobby", "now_ms")
"""What every call carries in front of its own arguments."""

_CONTEXT = ("lobby = ARGV[1]", "wall = read_whole(2, 'now_ms')", "is_live = ARGV[2] == '0'")

_WHOLE = (
    "local function read_whole(at, name)",
    "local number = tonumber(ARGV[at])",
    "if not number or number % 1 ~= 0 or math.abs(number) > 2 ^ 53 then",
    "error('argument ' .. name .. ' is no whole number up to 2^53', 0)",
    "end",
    "return number",
    "end",
)
"""Redis does not roll back: what is no whole number, nan and inf too, is refused before anything is written."""


_CLOCK = (
    "if Call.wall == 0 then",
    "local time = redis.call('TIME')",
    "Call.wall = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)",
    "end",
)
"""Read once: on Redis 8 the time stands still within a script, and before that one script must not see two times."""

_TIMES = frozenset({"Call.now", "Call.uptime"})
"""What a library makes of the clock, for those scripts that ask."""

_TIMEKEEPER = "time/clock"

_GUARD = "layout"

OTHER_LAYOUT = "layout"
"""The tag of the reply of an operation that was not done, for the data is of another layout."""


_REFUSAL = f"if Call.other_layout then return {{'{OTHER_LAYOUT}', Call.other_layout}} end"


@dataclass(frozen=True, slots=True)
class Script:
    """One loaded operation: its text, SHA1 and the order of its arguments."""

    name: str
    text: str
    sha: str
    args: tuple[str, ...]  #: without those of the context
    takes_rest: bool
    lines: tuple[str, ...]  #: for each line of `text` where it came from, "finish.lua:14"

    def locate(self, message: str) -> str:
        """Name file and line in an error of Redis, which only knows `user_script:217`."""

        def origin(match: re.Match[str]) -> str:
            number = int(match.group(1))
            return self.lines[number - 1] if 0 < number <= len(self.lines) else match.group(0)

        return re.sub(r"(?:user_script|<script>):(\d+)", origin, message)


@dataclass(eq=False)
class Piece:
    """One definition of a library, or the body of an operation: its lines, without comments, and their numbers."""

    file: str
    defines: tuple[str, ...]  #: `Node.load`, or names that are the file's own
    lines: list[tuple[int, str]]

    @cached_property
    def names(self) -> frozenset[str]:
        """All that it may use: qualified names, and words that may be the file's own."""
        text = "\n".join(line for _, line in self.lines)
        return frozenset(_WORD.findall(text)).union(f"{table}.{name}" for table, name in _QUALIFIED.findall(text))


def _libraries() -> Iterable[Traversable]:
    """The folders that hold libraries: their own rooms, and the texts, whose other halves are in Python."""
    folder = resources.files("handoff.ledger")
    yield from (room for room in folder.joinpath("lua/libraries").iterdir() if room.is_dir())
    yield folder.joinpath("texts")


@cache
def _files() -> dict[str, Traversable]:
    """Every Lua file by its name: `submit` of an operation, `nodes/node` of a library."""
    folder = resources.files("handoff.ledger").joinpath("lua")
    found: dict[str, Traversable] = {}
    for room in folder.joinpath("operations").iterdir():
        found |= {name: entry for entry in room.iterdir() if (name := _stem(entry))}
    found |= {name: entry for entry in folder.joinpath("libraries").iterdir() if (name := _stem(entry))}
    for room in _libraries():
        found |= {f"{room.name}/{name}": entry for entry in room.iterdir() if (name := _stem(entry))}
    return found


def _stem(entry: Traversable) -> str:
    return entry.name.removesuffix(".lua") if entry.name.endswith(".lua") else ""


@cache
def operations() -> dict[str, str]:
    """Every operation, and the room it stands in: who calls it."""
    rooms = resources.files("handoff.ledger").joinpath("lua/operations").iterdir()
    return {name: room.name for room in rooms for entry in room.iterdir() if (name := _stem(entry))}


def libraries() -> tuple[str, ...]:
    """All libraries by name."""
    return tuple(sorted(_files().keys() - operations().keys()))


def source(name: str) -> str:
    """The text of a file (`submit`, `nodes/node`) as it stands in the package."""
    return _files()[name].read_text(encoding="utf-8")


@cache
def header(name: str) -> Header:
    """What a file declares."""
    return parse(name, source(name))


def table_of(library: str) -> str:
    """The name of a library's table: `ShapeIndex` of `waiting/shape_index`."""
    return "".join(word.capitalize() for word in library.rpartition("/")[2].split("_"))


@cache
def load(name: str, rq_prefix: str) -> Script:
    """Assemble an operation."""
    order = _in_order(_GUARD, name)
    last = [f"{table_of(file)}.{header(file).last}" for file in order if header(file).last]
    first = _first_of(_GUARD)
    pieces = _reached([piece for file in order for piece in pieces_of(file)], [first, *last])
    if any(_TIMES & piece.names for piece in pieces):
        order = _in_order(_TIMEKEEPER, name)
        first = _first_of(_TIMEKEEPER)
        pieces = _reached([piece for file in order for piece in pieces_of(file)], [first, *last])
    body = [piece for piece in pieces if piece.file == name]
    chunks = [(f"{name}.lua:prelude", line) for line in _prelude(name, pieces, rq_prefix)]
    for file in order[:-1]:
        own = [piece for piece in pieces if piece.file == file]
        if own:
            chunks += _block(file, own)
    chunks.append((f"{name}.lua:prelude", "local function operate()"))
    chunks += [(f"{name}.lua:{number}", line) for piece in body for number, line in piece.lines]
    closing = [
        "end",
        f"{first}()",
        *([] if header(name).is_unguarded else [_REFUSAL]),
        "local reply = operate()",
        *(f"{final}()" for final in last),
        "return reply",
    ]
    chunks += [(f"{name}.lua:prelude", line) for line in closing]
    text = "\n".join(line for _, line in chunks)
    args = header(name).args
    plain = tuple(arg for arg, kind in args if kind != "list")
    return Script(
        name=name,
        text=text,
        sha=hashlib.sha1(text.encode()).hexdigest(),
        args=plain,
        takes_rest=len(plain) < len(args),
        lines=tuple(origin for origin, _ in chunks),
    )


def _first_of(library: str) -> str:
    return f"{table_of(library)}.{header(library).first}"


def _in_order(*names: str) -> list[str]:
    """The files and all that they include, directly or not: each behind those that it includes."""
    order: list[str] = []

    def include(file: str, way: tuple[str, ...]) -> None:
        if file in way:
            raise BadHeader(f"{file}.lua includes itself: {' -> '.join((*way, file))}")
        if file not in order:
            for inner in header(file).includes:
                include(inner, (*way, file))
            order.append(file)

    for name in names:
        include(name, ())
    return order


@cache
def pieces_of(file: str) -> Sequence[Piece]:
    """The definitions of a library, each from a line without indent to the next one; an operation is one piece."""
    pieces: list[Piece] = []
    is_library = file not in operations()
    for number, line in enumerate(source(file).splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("--"):
            continue
        defines: tuple[str, ...] = ()
        if is_library and (match := _PUBLIC.match(line)):
            defines = tuple((match.group(1) or match.group(2)).split(", "))
            if others := [name for name in defines if name.partition(".")[0] != table_of(file)]:
                raise BadHeader(f"{file}.lua defines {others[0]}: its own table is {table_of(file)}")
        elif is_library and (match := _PRIVATE.match(line)):
            defines = tuple(match.group(1).split(", "))
        if defines or not pieces:
            pieces.append(Piece(file, defines, []))
        pieces[-1].lines.append((number, line))
    return pieces


def _reached(pieces: list[Piece], last: Sequence[str]) -> list[Piece]:
    """The last piece, which is the operation, and what it and `last` name, and what that names."""
    definitions: dict[tuple[str, str], Piece] = {}
    for piece in pieces:
        for name in piece.defines:
            # A name that is the file's own is found from there alone.
            key = ("" if "." in name else piece.file, name)
            if key in definitions:
                raise BadHeader(f"{piece.file}.lua: {name} is defined twice")
            definitions[key] = piece
    known = {name for _, name in definitions}
    reached: dict[int, Piece] = {}
    left = [pieces[-1], *(definitions["", name] for name in last)]
    while left:
        piece = left.pop()
        if id(piece) not in reached:
            reached[id(piece)] = piece
            keys = (("" if "." in name else piece.file, name) for name in known & piece.names)
            left += [definitions[key] for key in keys if key in definitions]
    return [piece for piece in pieces if id(piece) in reached]


def _prelude(name: str, pieces: list[Piece], rq_prefix: str) -> list[str]:
    """The locals that a script begins with: keys, fields, the context of the call, its arguments, and all tables."""
    used = set().union(*(piece.names for piece in pieces))
    schema = paths(rq_prefix)
    keys = sorted(word.partition(".")[2] for word in used if word.startswith("K."))
    lines = ["local P = KEYS[1]", *_WHOLE]
    lines.append(f"local K = {{{', '.join(_assigned(key, *schema[key]) for key in keys)}}}")
    if "F" in used:
        ours = (f"[{name!r}] = {field.name!r}" for name, field in FIELDS.items() if field.name != name)
        lines.append(f"local F = {{{', '.join(ours)}}}")
    files = list(dict.fromkeys(piece.file for piece in pieces if piece.file != name))
    state = [f"{field} = {first}" for file in files for field, first in header(file).state.items()]
    context = [*_CONTEXT, f"layout = '{layout.LAYOUT}'", *state]
    lines.append(f"local Call = {{{', '.join(context)}}}")
    if "Call.wall" in used:
        lines += _CLOCK
    for number, (arg, kind) in enumerate(header(name).args, start=len(CONTEXT_ARGUMENTS) + 1):
        if kind == "list":
            lines.append(f"local {arg}_first = {number}")
        else:
            lines.append(f"local {arg} = {_CONVERSIONS[kind].format(number, arg)}")
    if tables := [table_of(file) for file in files]:
        lines.append(f"local {', '.join(tables)}")
    return lines


def _assigned(key: str, is_own: bool, path: str) -> str:
    return f"{key} = {'P .. ' if is_own else ''}'{path}'"


def _block(file: str, own: list[Piece]) -> list[tuple[str, str]]:
    """A library that is made when the first of its names is asked for."""
    prelude, table = f"{file}.lua:prelude", table_of(file)
    return [
        (prelude, f"{table} = setmetatable({{}}, {{__index = function(_, name)"),
        (prelude, f"setmetatable({table}, nil)"),
        *((f"{file}.lua:{number}", line) for piece in own for number, line in piece.lines),
        (prelude, f"return {table}[name]"),
        (prelude, "end})"),
    ]
