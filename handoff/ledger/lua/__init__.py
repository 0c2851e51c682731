"""Loads the Lua scripts: one operation a file, its header is its contract and its calling convention.

The names under KEYS become fields of the table `K` (their spelling comes from `handoff.keys`), those under ARGV become
locals and the keyword arguments of the call, so that header and code cannot drift and nobody counts to eleven. The
idea is docket's and BullMQ's. Keys are built from the namespace, which travels as the only KEYS entry: one script
text, and one SHA, serves every namespace, and a call carries no list of forty keys. (Redis Cluster is out of scope.)

A file has the form

    -- What it does, in the imperative.
    --
    -- KEYS     nodes  node             fields of handoff.keys.SCHEMA that this file itself touches
    -- ARGV     job     str             one line each; the last may be `rest  list`
    -- RETURNS  {'placed', node}        one line per tag
    -- @include lib/clock

A line that begins further to the right goes on with the one above. Files under lib/ have no ARGV and RETURNS and hold
definitions only, each from a line without indent to the next one. A script carries those that it reaches, for the
server makes every function of a script anew at each call (0.3 us each); a library with a line `-- @lazy`, which is
rarely needed, is made when one of its functions is called; and what a library names as `-- @finally save` is called at
the end of every operation. What no other file names is hidden from the others, for Lua
allows 200 locals at a time.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources

from handoff.ledger.keys import paths

_SECTION = re.compile(r"^-- (KEYS|ARGV|RETURNS)\s+(.*)$")
_INCLUDE = re.compile(r"^-- @include (\S+)$")
_LAZY = "-- @lazy"
_FINALLY = re.compile(r"^-- @finally (\w+)$")
_CONTINUED = "--" + " " * 12
_DEFINES = re.compile(r"local (?:function )?(\w+(?:, \w+)*)")
_WORD = re.compile(r"[A-Za-z_]\w*")
_CONVERSIONS = {"str": "ARGV[{}]", "int": "tonumber(ARGV[{}])"}


class BadHeader(ValueError):
    """A Lua file whose header does not follow the form above."""


@dataclass(slots=True)
class Header:
    """What the leading comment of one file declares."""

    keys: list[str] = field(default_factory=list)
    args: list[tuple[str, str]] = field(default_factory=list)
    returns: list[str] = field(default_factory=list)
    includes: list[str] = field(default_factory=list)
    lazy: bool = False
    last: str = ""  #: a function that every operation ends with


@dataclass(frozen=True, slots=True)
class Script:
    """One loaded operation: its text, SHA1 and the order of its arguments."""

    name: str
    text: str
    sha: str
    args: tuple[str, ...]
    takes_rest: bool
    lines: tuple[str, ...]  #: for each line of `text` where it came from, "finish.lua:14"

    def locate(self, message: str) -> str:
        """Name file and line in an error of Redis, which only knows `user_script:217`."""

        def origin(match: re.Match[str]) -> str:
            number = int(match.group(1))
            return self.lines[number - 1] if 0 < number <= len(self.lines) else match.group(0)

        return re.sub(r"(?:user_script|<script>):(\d+)", origin, message)


def source(name: str) -> str:
    """The text of `name` (`submit`, `lib/clock`) as it stands in the package."""
    return resources.files(__name__).joinpath(f"{name}.lua").read_text(encoding="utf-8")


def parse(name: str, text: str) -> Header:
    """Read the leading comment block of a file."""
    header = Header()
    section = ""
    for line in text.splitlines():
        if not line.startswith("--"):
            break
        if match := _FINALLY.match(line):
            header.last = match.group(1)
            continue
        if line == _LAZY:
            header.lazy = True
            continue
        if match := _INCLUDE.match(line):
            header.includes.append(match.group(1))
            continue
        if match := _SECTION.match(line):
            section, rest = match.group(1), match.group(2).strip()
        elif section and line.startswith(_CONTINUED):
            continue
        elif section and line.startswith("--   "):
            rest = line[2:].strip()
        else:
            section = ""
            continue
        words = rest.split()
        if section == "KEYS":
            header.keys += words
        elif section == "ARGV":
            if len(words) < 2 or words[1] not in (*_CONVERSIONS, "list"):
                raise BadHeader(f"{name}.lua: an ARGV line reads `name type  meaning`, not {rest!r}")
            header.args.append((words[0], words[1]))
        else:
            header.returns.append(rest)
    return header


@dataclass(slots=True)
class Piece:
    """One definition of a library, or the body of an operation: its lines, without comments, and their numbers."""

    part: str
    defines: tuple[str, ...]
    lines: list[tuple[int, str]]

    def words(self) -> set[str]:
        return {word for _, line in self.lines for word in _WORD.findall(line)}


def _pieces(part: str) -> list[Piece]:
    """The definitions of a library; an operation is one piece."""
    pieces: list[Piece] = []
    for number, line in enumerate(source(part).splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("--"):
            continue
        found = _DEFINES.match(line) if part.startswith("lib/") else None
        if found or not pieces:
            pieces.append(Piece(part, tuple(found.group(1).split(", ")) if found else (), []))
        pieces[-1].lines.append((number, line))
    return pieces


def _reached(pieces: list[Piece], last: Sequence[str]) -> list[Piece]:
    """The last piece, which is the operation, and what it and `last` name, and what that names."""
    definitions: dict[str, Piece] = {}
    for piece in pieces:
        for name in piece.defines:
            if name in definitions:
                raise BadHeader(f"{piece.part}.lua: {name} is defined in {definitions[name].part}.lua already")
            definitions[name] = piece
    reached: dict[int, Piece] = {}
    left = [pieces[-1], *(definitions[name] for name in last)]
    while left:
        piece = left.pop()
        if id(piece) not in reached:
            reached[id(piece)] = piece
            left += [definitions[word] for word in piece.words() if word in definitions]
    return [piece for piece in pieces if id(piece) in reached]


def _hidden(part: str, pieces: list[Piece], others: list[Piece], last: Sequence[str]) -> list[tuple[str, str]]:
    """A library as a block of its own, with only those of its names outside of it that others use.

    The block of a lazy one is a function, which is called by the first call of one of those.
    """
    used = {word for piece in others for word in piece.words()}.union(last)
    shown = [piece for piece in pieces if used & set(piece.defines)]
    names = [name for piece in shown for name in piece.defines]
    is_lazy = parse(part, source(part)).lazy
    maker = f"make_{part.removeprefix('lib/')}"
    opening = [f"local {', '.join(names)} do", *([f"local function {maker}()"] if is_lazy else [])]
    closing = ["end"]
    if is_lazy:
        if constants := [piece.defines for piece in shown if not piece.lines[0][1].startswith("local function ")]:
            raise BadHeader(f"{part}.lua is lazy, and {constants[0]} is no function: keep it in another library")
        stubs = [f"function {name}(...) {maker}() return {name}(...) end" for name in names]
        closing = ["end", *stubs, "end"]
    chunks = [(f"{part}.lua:prelude", line) for line in opening]
    for piece in pieces:
        for number, line in piece.lines:
            is_shown = piece in shown and (number, line) == piece.lines[0]
            chunks.append((f"{part}.lua:{number}", line.removeprefix("local ") if is_shown else line))
    return [*chunks, *((f"{part}.lua:prelude", line) for line in closing)]


@cache
def load(name: str, rq_prefix: str) -> Script:
    """Assemble an operation: prelude from its header, what it reaches of its includes in order, its body."""
    order: list[str] = []

    def include(part: str) -> None:
        if part in order:
            return
        for inner in parse(part, source(part)).includes:
            include(inner)
        order.append(part)

    include(name)
    schema = paths(rq_prefix)
    last = [final for part in order if (final := parse(part, source(part)).last)]
    pieces = _reached([piece for part in order for piece in _pieces(part)], last)
    text_of_all = "\n".join(line for piece in pieces for _, line in piece.lines)
    wanted = sorted(set(re.findall(r"\bK\.(\w+)", text_of_all)))
    fields = ", ".join(f"{key} = {'P .. ' if schema[key][0] else ''}'{schema[key][1]}'" for key in wanted)
    chunks = [(f"{name}.lua:prelude", "local P = KEYS[1]"), (f"{name}.lua:prelude", f"local K = {{{fields}}}")]
    header = parse(name, source(name))
    for number, (arg, kind) in enumerate(header.args, start=1):
        if kind == "list":
            chunks.append((f"{name}.lua:prelude", f"local {arg}_first = {number}"))
        else:
            chunks.append((f"{name}.lua:prelude", f"local {arg} = {_CONVERSIONS[kind].format(number)}"))
    for part in order[:-1]:
        of_part = [piece for piece in pieces if piece.part == part]
        if of_part:
            chunks += _hidden(part, of_part, [piece for piece in pieces if piece.part != part], last)
    body = [(f"{name}.lua:{number}", line) for number, line in pieces[-1].lines]
    if last:
        closing = ["end", "local reply = operate()", *(f"{final}()" for final in last), "return reply"]
        prelude = f"{name}.lua:prelude"
        body = [(prelude, "local function operate()"), *body, *((prelude, line) for line in closing)]
    chunks += body
    text = "\n".join(line for _, line in chunks)
    plain = tuple(arg for arg, kind in header.args if kind != "list")
    return Script(
        name=name,
        text=text,
        sha=hashlib.sha1(text.encode()).hexdigest(),
        args=plain,
        takes_rest=len(plain) < len(header.args),
        lines=tuple(origin for origin, _ in chunks),
    )


@cache
def names() -> tuple[str, ...]:
    """All operations (without lib/)."""
    folder = resources.files(__name__)
    return tuple(sorted(entry.name[:-4] for entry in folder.iterdir() if entry.name.endswith(".lua")))
