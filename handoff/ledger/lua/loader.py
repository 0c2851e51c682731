"""Operations as scripts, for servers without Functions: one script of an operation and of what it reaches.

The server makes every function of a script anew at each call (0.3 us each), so a script carries only the definitions
that it reaches, and a library is made when the first of its names is asked for: most calls need few of them.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cache, cached_property

from handoff.ledger.lua import assembly, files, pieces
from handoff.ledger.lua.assembly import Assembly, Chunk


@dataclass(frozen=True)
class Script:
    """One operation and the order of its arguments; its text is made when a server is to be sent it."""

    name: str
    args: tuple[str, ...]  #: without those of the context
    takes_rest: bool
    rq_prefix: str

    @property
    def text(self) -> str:
        return self._made[0]

    @cached_property
    def sha(self) -> str:
        return hashlib.sha1(self.text.encode()).hexdigest()

    @property
    def lines(self) -> tuple[str, ...]:
        """For each line of `text` where it came from, "finish.lua:14"."""
        return self._made[1]

    @cached_property
    def _made(self) -> tuple[str, tuple[str, ...]]:
        operation = assembly.assemble(self.name, pieces.kept())
        chunks = [(f"{self.name}.lua:prelude", line) for line in _prelude(operation, self.rq_prefix)]
        for file in operation.files:
            chunks += _library(file, operation)
        chunks += operation.body()
        return "\n".join(line for _, line in chunks), tuple(origin for origin, _ in chunks)

    def locate(self, message: str) -> str:
        """Name file and line in an error of Redis, which only knows `user_script:217`."""
        return locate(message, self.lines, r"user_script|<script>")


def locate(message: str, lines: tuple[str, ...], told_as: str) -> str:
    """Name files and lines where a server tells numbers of lines of the whole text."""

    def origin(match: re.Match[str]) -> str:
        number = int(match.group(1))
        return lines[number - 1] if 0 < number <= len(lines) else match.group(0)

    return re.sub(rf"(?:{told_as}):(\d+)", origin, message)


@cache
def load(name: str, rq_prefix: str) -> Script:
    """Find an operation."""
    args = files.header(name).args
    plain = tuple(arg for arg, kind in args if kind != "list")
    return Script(name, plain, len(plain) < len(args), rq_prefix)


def _prelude(operation: Assembly, rq_prefix: str) -> list[str]:
    """The locals that a script begins with: keys, fields, the context of the call, its arguments, and all tables."""
    given = operation.given()
    lines = ["local P = KEYS[1]", *assembly.WHOLE]
    lines.append(f"local K = {assembly.key_table(assembly.keys_in(given), rq_prefix)}")
    if "F" in given:
        lines.append(f"local F = {assembly.field_table()}")
    first, *others = operation.context()
    lines += [f"local {first}", *others, *operation.arguments()]
    if "Parsed" in given:
        lines.append(f"local Parsed = {assembly.parsed_table(operation.files)}")
    if tables := [files.table_of(file) for file in operation.files]:
        lines.append(f"local {', '.join(tables)}")
    return lines


def _library(file: str, operation: Assembly) -> list[Chunk]:
    """What is reached of a library, which is made when the first of its names is asked for."""
    prelude, table = f"{file}.lua:prelude", files.table_of(file)
    return [
        (prelude, f"{table} = setmetatable({{}}, {{__index = function(_, name)"),
        (prelude, f"setmetatable({table}, nil)"),
        *(chunk for piece in operation.pieces if piece.file == file for chunk in piece.chunks()),
        (prelude, f"return {table}[name]"),
        (prelude, "end})"),
    ]
