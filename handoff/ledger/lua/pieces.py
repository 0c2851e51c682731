"""The definitions that Lua files consist of, and which of them an operation reaches."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import chain

from handoff.ledger.lua import files
from handoff.ledger.lua.header import BadHeader

_WORD = re.compile(r"[A-Za-z_]\w*")
_QUALIFIED = re.compile(r"\b([A-Z]\w*)\.(\w+)")
_PUBLIC = re.compile(r"function ([A-Z]\w*\.\w+)\(|([A-Z]\w*\.\w+(?:, [A-Z]\w*\.\w+)*) = ")
_PRIVATE = re.compile(r"local (?:function )?(\w+(?:, \w+)*)")


@dataclass(eq=False)
class Piece:
    """One definition of a library, or the body of an operation: its lines, without comments, and their numbers."""

    file: str
    defines: tuple[str, ...]  #: `Node.load`, or names that are the file's own
    lines: list[tuple[int, str]]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """All that it may use: qualified names, and words that may be the file's own."""
        text = "\n".join(line for _, line in self.lines)
        qualified = (f"{table}.{name}" for table, name in _QUALIFIED.findall(text))
        # Pieces use the same few words, of which each has its own otherwise, and as sets they take twice as much: 5 MB.
        return tuple({sys.intern(name): None for name in chain(_WORD.findall(text), qualified)})

    def chunks(self) -> list[tuple[str, str]]:
        """Its lines, each behind where it comes from: `finish.lua:14`."""
        return [(f"{self.file}.lua:{number}", line) for number, line in self.lines]


@cache
def pieces_of(file: str) -> Sequence[Piece]:
    """The definitions of a library, each from a line without indent to the next one; an operation is one piece."""
    pieces: list[Piece] = []
    is_library = file not in files.operations()
    for number, line in enumerate(files.source(file).splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("--"):
            continue
        defines: tuple[str, ...] = ()
        if is_library and (match := _PUBLIC.match(line)):
            defines = tuple((match.group(1) or match.group(2)).split(", "))
            own = files.table_of(file)
            if others := [name for name in defines if name.partition(".")[0] != own]:
                raise BadHeader(f"{file}.lua defines {others[0]}: its own table is {own}")
        elif is_library and (match := _PRIVATE.match(line)):
            defines = tuple(match.group(1).split(", "))
        if defines or not pieces:
            pieces.append(Piece(file, defines, []))
        pieces[-1].lines.append((number, line))
    return pieces


def reached(pieces: list[Piece], last: Sequence[str]) -> list[Piece]:
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
    found: dict[int, Piece] = {}
    left = [pieces[-1], *(definitions["", name] for name in last)]
    while left:
        piece = left.pop()
        if id(piece) not in found:
            found[id(piece)] = piece
            keys = (("" if "." in name else piece.file, name) for name in known.intersection(piece.names))
            left += [definitions[key] for key in keys if key in definitions]
    return [piece for piece in pieces if id(piece) in found]
