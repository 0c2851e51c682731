"""What an operation needs around its body, in whatever form it is called.

Every library is a table called like its file (`nodes/node.lua` is `Node`); what it does not put there is its own. A
file sees the tables of the files that it includes, and no others. `Call` is the one context of a call: `Call.lobby`
(RQ's name of the lobby queue: the namespace), `Call.layout` (ledger/layout.py), `Call.wall` (ms; by the server's clock,
or the time that a test gives), `Call.now` and `Call.uptime` (what `time/clock` makes of it),
and what libraries keep until the operation ends, which no library keeps anywhere else. `Parsed` has what they keep of
texts, by the text, which may outlive the call. `K` has the full names of keys, `F` the names of a job's fields.

Every operation begins with `layout`, or with `time/clock`, which asks the same: where the data is of another layout
than `Call.layout`, it is answered {'layout', found} and does nothing, but for those that say `-- @unguarded`. What a
library names as `-- @finally save` is called when the operation has ended, what it names as `-- @afterwards tell`
behind all of those, what it names as `-- @first start` before.

The namespace's prefix travels as the only KEYS entry: one text serves every namespace, and a call carries no list of
forty keys. (Redis Cluster is out of scope.)
"""

from __future__ import annotations

from dataclasses import dataclass

from handoff.ledger import layout
from handoff.ledger.fields import FIELDS
from handoff.ledger.keys import paths
from handoff.ledger.lua import files
from handoff.ledger.lua.pieces import Piece, Pieces

_CONVERSIONS = {"str": "ARGV[{}]", "int": "read_whole(ARGV, {}, '{}')"}

CONTEXT_ARGUMENTS = ("lobby", "now_ms")
"""What every call carries in front of its own arguments."""

_CONTEXT = {"lobby": "ARGV[1]", "wall": "read_whole(ARGV, 2, 'now_ms')"}

_FRESH = "{}"
"""What `Call` begins with that a call fills."""

_NOT_YET = ("now", "uptime")
"""What `Call` has of the times once somebody made them of the clock."""

WHOLE = (
    "local function read_whole(ARGV, at, name)",
    "local text = ARGV[at]",
    # As most are; to read one takes as long as thirty steps of Lua.
    "if text == '0' then",
    "return 0",
    "end",
    "local number = tonumber(text)",
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

Chunk = tuple[str, str]
"""Where a line comes from (`finish.lua:14`), and the line."""


@dataclass(frozen=True, slots=True)
class Assembly:
    """An operation with what it reaches of its libraries."""

    name: str
    pieces: list[Piece]  #: each behind those that it uses; the last one is the operation
    first: str  #: what is called before it
    last: list[str]  #: and after it

    @property
    def files(self) -> list[str]:
        """The libraries that it reaches anything of."""
        return list(dict.fromkeys(piece.file for piece in self.pieces if piece.file != self.name))

    def given(self) -> set[str]:
        """What it asks of the tables that every operation has."""
        return set().union(*(piece.given for piece in self.pieces))

    def context(self) -> list[str]:
        """`Call`, made."""
        begins = [*(f"{field} = {first}" for field, first in (_CONTEXT | _state_of(self.files)).items()), _layout()]
        return [f"Call = {{{', '.join(begins)}}}", *self._clock()]

    def context_again(self) -> list[str]:
        """`Call`, of which an earlier call has left what it came to, or died of: as `context` makes it.

        A table that was not filled is taken as it is: to make all forty anew took a tenth of a submit.
        """
        state = _state_of(self.files)
        filled = [field for field, first in state.items() if first == _FRESH]
        plain = _CONTEXT | dict.fromkeys(_NOT_YET, "nil") | {name: state[name] for name in state if name not in filled}
        return [
            *(f"Call.{field} = {first}" for field, first in plain.items()),
            *(f"if next(Call.{field}) ~= nil then Call.{field} = {_FRESH} end" for field in filled),
            *self._clock(),
        ]

    def _clock(self) -> tuple[str, ...]:
        return _CLOCK if any("Call.wall" in piece.given for piece in self.pieces) else ()

    def arguments(self) -> list[str]:
        """Its arguments as locals."""
        lines = []
        for number, (arg, kind) in enumerate(files.header(self.name).args, start=len(CONTEXT_ARGUMENTS) + 1):
            if kind == "list":
                lines.append(f"local {arg}_first = {number}")
            else:
                lines.append(f"local {arg} = {_CONVERSIONS[kind].format(number, arg)}")
        return lines

    def body(self) -> list[Chunk]:
        """The operation between what comes first and last."""
        prelude = f"{self.name}.lua:prelude"
        closing = [
            "end",
            f"{self.first}()",
            *([] if files.header(self.name).is_unguarded else [_REFUSAL]),
            "local reply = operate()",
            *(f"{final}()" for final in self.last),
            "return reply",
        ]
        return [
            (prelude, "local function operate()"),
            *(chunk for piece in self.pieces if piece.file == self.name for chunk in piece.chunks()),
            *((prelude, line) for line in closing),
        ]


def assemble(name: str, pieces: Pieces) -> Assembly:
    """Find what an operation reaches."""
    order = files.in_order(_GUARD, name)
    headers = {file: files.header(file) for file in order if file != name}
    last = [(file, header.last) for file, header in headers.items() if header.last]
    last += [(file, header.afterwards) for file, header in headers.items() if header.afterwards]
    closing = [pieces.defined(file)[_in_table(file, function)] for file, function in last]
    found = pieces.reached(*pieces.of(name), *closing)
    opener = _GUARD
    if any(not _TIMES.isdisjoint(piece.given) for piece in found):
        opener = _TIMEKEEPER
        order = files.in_order(opener, name)
    first = _in_table(opener, files.header(opener).first)
    found |= pieces.reached(pieces.defined(opener)[first])
    in_order = [piece for file in order for piece in pieces.of(file) if piece in found]
    return Assembly(name, in_order, first, [_in_table(file, function) for file, function in last])


def _in_table(library: str, function: str) -> str:
    return f"{files.table_of(library)}.{function}"


def _layout() -> str:
    return f"layout = '{layout.LAYOUT}'"


def _state_of(libraries: list[str]) -> dict[str, str]:
    return {field: first for file in libraries for field, first in files.header(file).state.items()}


def call_table(libraries: list[str]) -> str:
    """Lua for the `Call` of all libraries, before any call."""
    filled = [f"{field} = {first}" for field, first in _state_of(libraries).items() if first == _FRESH]
    return f"{{{', '.join([_layout(), *filled])}}}"


def parsed_table(libraries: list[str]) -> str:
    """Lua for the table in which libraries keep what they have parsed."""
    return f"{{{', '.join(f'{name} = {{}}' for file in libraries for name in files.header(file).parsed)}}}"


def key_table(names: set[str], rq_prefix: str) -> str:
    """Lua for the full names of keys, by the prefix `P`."""
    schema = paths(rq_prefix)
    keys = sorted(name for name in schema if name in names)
    return f"{{{', '.join(_assigned(key, *schema[key]) for key in keys)}}}"


def _assigned(key: str, is_own: bool, path: str) -> str:
    return f"{key} = {'P .. ' if is_own else ''}'{path}'"


def field_table() -> str:
    """Lua for the names of a job's fields that differ from ours."""
    ours = (f"[{name!r}] = {field.name!r}" for name, field in FIELDS.items() if field.name != name)
    return f"{{{', '.join(ours)}}}"


def keys_in(given: set[str]) -> set[str]:
    """Of what is asked of given tables the names of keys: `K.nodes`."""
    return {word.partition(".")[2] for word in given if word.startswith("K.")}
