"""What Lua files use, read from their compiled form: no pattern has to guess what is a name and what a string."""

from __future__ import annotations

import re
import struct
from functools import cache
from importlib import import_module
from itertools import accumulate
from typing import Any, NamedTuple

from handoff.ledger.lua import files

OPERATIONS = tuple(sorted(files.operations()))
LIBRARIES = files.libraries()
FILES = (*OPERATIONS, *LIBRARIES)

GIVEN = frozenset(
    {
        "error", "ipairs", "math", "next", "pairs", "redis", "setmetatable", "string", "table", "tonumber", "tostring",
        "type", "unpack",
    }
)  # fmt: skip
"""What every script may use of Lua and of Redis. Not cjson: {} becomes [], and 10**15 loses its digits."""


class Globals(NamedTuple):
    """Names that a piece of Lua takes from, or puts into, what surrounds it."""

    read: frozenset[str]
    written: frozenset[str]


class Compiled:
    """A reader of what Lua 5.1 makes of a text: `string.dump`'s format on a 64-bit machine."""

    def __init__(self, text: str) -> None:
        runtime = import_module("lupa.lua51").LuaRuntime(encoding=None)
        self._bytes: bytes = runtime.eval(b"function(t) return string.dump(assert(loadstring(t))) end")(text.encode())
        self._at = len(b"\x1bLua") + 8
        self._read: set[str] = set()
        self._written: set[str] = set()
        self.upvalues = 0  #: the most that one of its functions has
        self.locals = 0  #: the most that are in sight at once in one of its functions
        self.read_while_loaded: frozenset[str] = (
            frozenset()
        )  #: globals that it reads when it is run, outside of functions
        self._function(is_main=True)

    def globals(self) -> Globals:
        return Globals(frozenset(self._read), frozenset(self._written))

    def _function(self, *, is_main: bool = False) -> None:
        self._text()
        self.upvalues = max(self.upvalues, self._take("<ii4B")[2])
        code = self._take(f"<{self._count()}I")
        constants = [self._constant() for _ in range(self._count())]
        for instruction in code:
            operation, constant = instruction & 0x3F, instruction >> 14
            if operation in (5, 7):  # GETGLOBAL, SETGLOBAL
                (self._read if operation == 5 else self._written).add(str(constants[constant]))
        if is_main:
            self.read_while_loaded = frozenset(self._read)
        for _ in range(self._count()):
            self._function()
        self._take(f"<{self._count()}I")
        seen: list[tuple[int, int]] = []
        for _ in range(self._count()):
            self._text()
            first, behind = self._take("<ii")
            seen += [(first, 1), (behind, -1)]
        self.locals = max(self.locals, *accumulate(change for _, change in sorted(seen)), 0)
        for _ in range(self._count()):
            self._text()

    def _constant(self) -> object:
        (kind,) = self._take("<B")
        if kind == 4:
            return self._text()
        return self._take({0: "<", 1: "<?", 3: "<d"}[kind])

    def _text(self) -> str:
        (length,) = self._take("<Q")
        return b"".join(self._take(f"<{length}s"))[:-1].decode(errors="replace")

    def _count(self) -> int:
        return int(self._take("<i")[0])

    def _take(self, form: str) -> tuple[Any, ...]:
        values = struct.unpack_from(form, self._bytes, self._at)
        self._at += struct.calcsize(form)
        return values


@cache
def body(file: str) -> str:
    """The file without its comments; none of ours holds `--` in a string."""
    return re.sub(r"--.*", "", files.source(file))


@cache
def lines_of(file: str) -> list[str]:
    """The file as it stands, by lines."""
    return files.source(file).splitlines()


@cache
def taken_from_outside(file: str) -> frozenset[str]:
    """The names that the file by itself uses and does not define: tables, and what its header names."""
    return Compiled(body(file)).globals().read - GIVEN


@cache
def used_of(file: str, table: str) -> frozenset[str]:
    """What the file uses of a table: `load` of `Node.load`."""
    return frozenset(re.findall(rf"(?<![\w.]){table}\.(\w+)", body(file)))


@cache
def public(library: str) -> frozenset[str]:
    """What the library puts into its table."""
    table = files.table_of(library)
    functions = re.findall(rf"^function {table}\.(\w+)\(", body(library), re.MULTILINE)
    constants = re.findall(rf"^({table}\.\w+(?:, {table}\.\w+)*) = ", body(library), re.MULTILINE)
    return frozenset([*functions, *(name.partition(".")[2] for names in constants for name in names.split(", "))])


@cache
def private(file: str) -> frozenset[str]:
    """What the file keeps to itself, as it stands without indent."""
    names = re.findall(r"^local (?:function )?(\w+(?:, \w+)*)", body(file), re.MULTILINE)
    return frozenset(name for some in names for name in some.split(", "))


def arguments(operation: str) -> frozenset[str]:
    """The locals that the header makes of ARGV."""
    return frozenset(f"{name}_first" if kind == "list" else name for name, kind in files.header(operation).args)
