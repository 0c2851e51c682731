"""All operations as one library of Redis Functions (Redis 7.0, Valkey 7.2), which the server compiles once.

The library is named by the hash of its text, and so are its functions: those of two versions live side by side. What
its Lua keeps from call to call is what never changes, and the names of keys of a few namespaces; `Call` begins anew
at the *start* of each call, because a call that failed half-way leaves one behind. While a library is loaded there is
no `math`, no `ipairs`, nothing of Lua but its syntax: so its tables are filled by the first call.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from handoff.ledger.keys import SCHEMA
from handoff.ledger.lua import assembly, files
from handoff.ledger.lua.assembly import Assembly, Chunk
from handoff.ledger.lua.loader import locate
from handoff.ledger.lua.pieces import Pieces

PREFIX = "handoff_"
"""How the names of all libraries of Handoff begin."""

GIVEN = (
    "redis", "error", "ipairs", "math", "next", "pairs", "setmetatable", "string", "table", "tonumber", "tostring",
    "type", "unpack",
)  # fmt: skip
"""What Lua and Redis give to a function that is called."""

MOST_CALLS = 256
"""After so many, what was parsed is parsed again: it would grow without end otherwise."""

MOST_NAMESPACES = 64
"""Of so many the names of keys are remembered."""

_PLACE = "library:prelude"


@dataclass(frozen=True, slots=True)
class Library:
    """The text of the library for a server, and how its functions are called."""

    name: str
    text: str
    rq_prefix: str

    @property
    def lines(self) -> tuple[str, ...]:
        """For each line of `text` where it came from, "finish.lua:14": 0.7 MB, and only errors ask."""
        return _origins(self.rq_prefix)

    def function(self, operation: str) -> str:
        """What the server calls an operation."""
        return f"{self.name}_{operation}"

    def locate(self, message: str) -> str:
        """Name file and line in an error of Redis, which only knows `user_function:217`."""
        return locate(message, self.lines, "user_function")


@cache
def library(rq_prefix: str) -> Library:
    """Assemble the library of all operations."""
    unnamed = "\n".join(line for _, line in _chunks(rq_prefix))
    # Its first line names it, and so do its functions.
    name = PREFIX + hashlib.sha1(unnamed.encode()).hexdigest()[:12]
    return Library(name, unnamed.replace(_NAME, name), rq_prefix)


@cache
def _origins(rq_prefix: str) -> tuple[str, ...]:
    """Kept from the first error on: a script that fails again and again would cost an agent 0.06 s each time."""
    return tuple(origin for origin, _ in _chunks(rq_prefix))


def _chunks(rq_prefix: str) -> Iterator[Chunk]:
    # A file at a time: of so many tuples at once Python would look through all that there is for garbage, for 20 ms.
    # What they are made of is let go of behind it: 5 MB.
    pieces = Pieces()
    yield from _head(rq_prefix)
    for file in _all_files():
        yield from _library(file, pieces)
    for operation in sorted(files.operations()):
        yield from _function(operation, pieces)


_NAME = "@library@"


def _all_files() -> list[str]:
    order = files.in_order(*sorted(files.operations()))
    return [file for file in order if file not in files.operations()]


def _head(rq_prefix: str) -> list[Chunk]:
    tables = ", ".join(f"{files.table_of(file)} = {{}}" for file in _all_files())
    lines = [
        f"#!lua name={_NAME}",
        # Found through a metatable otherwise, each time.
        "local function given()",
        f"return {', '.join(GIVEN)}",
        "end",
        f"local register, {', '.join(GIVEN)} = redis.register_function",
        "local K, Parsed, fillers = nil, nil, {}",
        f"local Call = {assembly.call_table(_all_files())}",
        f"local F = {assembly.field_table()}",
        "local begin",
        # Nobody else sees these: Lua allows 200 locals.
        "do",
        "local known, count, calls = {}, 0, 0",
        "function begin(P)",
        "if fillers then",
        f"{', '.join(GIVEN)} = given()",
        "for i = 1, #fillers do",
        "fillers[i]()",
        "end",
        "fillers = nil",
        "end",
        f"if calls % {MOST_CALLS} == 0 then",
        f"Parsed = {assembly.parsed_table(_all_files())}",
        "end",
        "calls = calls + 1",
        "K = known[P]",
        "if not K then",
        f"if count == {MOST_NAMESPACES} then",
        "known, count = {}, 0",
        "end",
        f"K = {assembly.key_table(set(SCHEMA), rq_prefix)}",
        "known[P], count = K, count + 1",
        "end",
        "end",
        "end",
        f"local tables = {{{tables}}}",
        *assembly.WHOLE,
    ]
    return [(_PLACE, line) for line in lines]


def _library(file: str, pieces: Pieces) -> list[Chunk]:
    prelude = f"{file}.lua:prelude"
    return [
        (prelude, "do"),
        (prelude, _locals({files.table_of(file), *_included(file)})),
        (prelude, "fillers[#fillers + 1] = function()"),
        *(chunk for piece in pieces.of(file) for chunk in piece.chunks()),
        (prelude, "end"),
        (prelude, "end"),
    ]


def _function(operation: str, pieces: Pieces) -> list[Chunk]:
    assembled = assembly.assemble(operation, pieces)
    prelude = f"{operation}.lua:prelude"
    flags = ", ".join(f"'{flag}'" for flag in files.header(operation).flags)
    opening = [
        "do",
        _locals({*_included(operation), *_called_around(assembled)}),
        f"register{{function_name = '{_NAME}_{operation}', flags = {{{flags}}}, callback = function(KEYS, ARGV)",
        "begin(KEYS[1])",
        *assembled.context_again(),
        *assembled.arguments(),
    ]
    return [*((prelude, line) for line in opening), *assembled.body(), (prelude, "end}"), (prelude, "end")]


def _included(file: str) -> list[str]:
    return [files.table_of(included) for included in files.header(file).includes]


def _called_around(operation: Assembly) -> list[str]:
    return [function.partition(".")[0] for function in (operation.first, *operation.last)]


def _locals(tables: set[str]) -> str:
    """Each file has those that it names as locals of its own, which cost nothing when they are used."""
    names = sorted(tables)
    return f"local {', '.join(names)} = {', '.join(f'tables.{name}' for name in names)}"
