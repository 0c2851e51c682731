"""The definitions that Lua files consist of, and which of them an operation reaches."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property

from handoff.ledger.lua import files
from handoff.ledger.lua.header import BadHeader

_NAME = re.compile(r"[A-Za-z_]\w*(?:\.\w+)?")
_GIVEN = re.compile(r"(?:K|F|Call|Parsed)\b")
_PUBLIC = re.compile(r"function ([A-Z]\w*\.\w+)\(|([A-Z]\w*\.\w+(?:, [A-Z]\w*\.\w+)*) = ")
_PRIVATE = re.compile(r"local (?:function )?(\w+(?:, \w+)*)")


@dataclass(eq=False)
class Piece:
    """One definition of a library, or the body of an operation: its lines, without comments, and their numbers."""

    file: str
    defines: tuple[str, ...]  #: `Node.load`, or names that are the file's own
    lines: list[str] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """All that it may use of others: such as `Node.load`, and words, which may be the file's own."""
        text = "\n".join(self.lines)
        # Pieces use the same few words, of which each has its own otherwise, and as sets they take twice as much: 5 MB.
        names = set(_NAME.findall(text))
        return tuple(map(sys.intern, names.union(name.partition(".")[0] for name in names)))

    @cached_property
    def given(self) -> frozenset[str]:
        """What it asks of the tables that every operation has: `K.nodes`, `Call.now`, `F`, `Parsed`."""
        return frozenset(filter(_GIVEN.match, self.names))

    def chunks(self) -> list[tuple[str, str]]:
        """Its lines, each behind where it comes from: `finish.lua:14`."""
        return [(f"{self.file}.lua:{number}", line) for number, line in zip(self.numbers, self.lines, strict=True)]


class Pieces:
    """The pieces of all files, each read and linked when it is first asked for.

    Threads may share them: what was found first is what everybody is given, for pieces are known by identity.
    """

    def __init__(self) -> None:
        self._of: dict[str, Sequence[Piece]] = {}
        self._defined: dict[str, Mapping[str, Piece]] = {}
        self._visible: dict[str, Mapping[str, Piece]] = {}
        self._named: dict[Piece, frozenset[Piece]] = {}

    def of(self, file: str) -> Sequence[Piece]:
        """The definitions of a library, each from a line without indent to the next one; an operation is one piece."""
        return self._of.get(file) or self._of.setdefault(file, _split(file))

    def defined(self, file: str) -> Mapping[str, Piece]:
        """What a file defines, by name."""
        if file not in self._defined:
            found: dict[str, Piece] = {}
            for piece in self.of(file):
                for name in piece.defines:
                    if name in found:
                        raise BadHeader(f"{file}.lua: {name} is defined twice")
                    found[name] = piece
            self._defined[file] = found
        return self._defined[file]

    def reached(self, *roots: Piece) -> set[Piece]:
        """These, and what they name, and what that names."""
        found: set[Piece] = set()
        left = set(roots)
        while left:
            found |= left
            left = set().union(*map(self._named_by, left)) - found
        return found

    def _named_by(self, piece: Piece) -> frozenset[Piece]:
        if piece not in self._named:
            visible = self._visible_in(piece.file)
            self._named[piece] = frozenset(visible[name] for name in piece.names if name in visible)
        return self._named[piece]

    def _visible_in(self, file: str) -> Mapping[str, Piece]:
        """What a file may name: its own, and what those that it includes show in their tables."""
        if file not in self._visible:
            visible = dict(self.defined(file))
            for included in files.header(file).includes:
                visible |= {name: piece for name, piece in self.defined(included).items() if "." in name}
            self._visible[file] = visible
        return self._visible[file]


@cache
def kept() -> Pieces:
    """Those of the process: 5 MB, for who makes one script after the other."""
    return Pieces()


def _split(file: str) -> Sequence[Piece]:
    pieces: list[Piece] = []
    is_library = file not in files.operations()
    for number, line in enumerate(files.source(file).splitlines(), start=1):
        if not (code := line.lstrip()) or code.startswith("--"):
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
            pieces.append(Piece(file, defines))
        pieces[-1].lines.append(line)
        pieces[-1].numbers.append(number)
    return pieces
