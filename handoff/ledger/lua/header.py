"""What the leading comment of a Lua file declares: it is the file's contract, and its calling convention is made of it.

A file has the form

    -- What it does, in the imperative.
    --
    -- KEYS     nodes  node             fields of handoff.ledger.keys.SCHEMA that this file itself touches
    -- ARGV     job     str             of an operation: one line each; the last may be `rest  list`
    -- RETURNS  {'placed', node}        of an operation: one line per tag
    -- STATE    loaded  {}  meaning     of a library: what it keeps in `Call` until the operation ends
    -- PARSED   shapes  meaning         of a library: what it keeps in `Parsed` by texts, which say all of it
    -- @include nodes/node  texts/shape
    -- @flags no-writes                 of an operation, as Redis Functions know them: it may be called on a server that
                                        takes no writes, or (`allow-oom`) is full

A line that begins further to the right goes on with the one above. The idea is docket's and BullMQ's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_SECTION = re.compile(r"^-- (KEYS|ARGV|RETURNS|STATE|PARSED)\s+(.*)$")
_INCLUDE = re.compile(r"^-- @include (\S.*)$")
_FIRST = re.compile(r"^-- @first (\w+)$")
_FLAGS = re.compile(r"^-- @flags (\S.*)$")
_UNGUARDED = "-- @unguarded"
_FINALLY = re.compile(r"^-- @finally (\w+)$")
_AFTERWARDS = re.compile(r"^-- @afterwards (\w+)$")
_CONTINUED = "--" + " " * 12

ARGUMENT_TYPES = ("str", "int", "list")


class BadHeader(ValueError):
    """A Lua file whose header does not follow the form above."""


@dataclass(slots=True)
class Header:
    """What one file declares."""

    keys: list[str] = field(default_factory=list)
    args: list[tuple[str, str]] = field(default_factory=list)  #: name and type, in the order of the call
    returns: list[str] = field(default_factory=list)
    state: dict[str, str] = field(default_factory=dict)  #: a field of `Call` -> the expression that it begins with
    parsed: list[str] = field(default_factory=list)  #: fields of `Parsed`
    includes: list[str] = field(default_factory=list)
    flags: list[str] = field(default_factory=list)
    first: str = ""  #: one of its functions, with which operations begin: all, or those that ask for the time
    is_unguarded: bool = False  #: it is done whatever layout the data has
    last: str = ""  #: one of its functions, with which every operation ends
    afterwards: str = (
        ""  #: one of its functions, for when all of that is done: for what cannot be refused or taken back
    )


def parse(name: str, text: str) -> Header:
    """Read the leading comment of the file called `name`. Raises `BadHeader`."""
    header = Header()
    section = ""
    for line in text.splitlines():
        if not line.startswith("--"):
            break
        if match := _FIRST.match(line):
            header.first = match.group(1)
        elif line == _UNGUARDED:
            header.is_unguarded = True
        elif match := _FINALLY.match(line):
            header.last = match.group(1)
        elif match := _FLAGS.match(line):
            header.flags += match.group(1).split()
        elif match := _AFTERWARDS.match(line):
            header.afterwards = match.group(1)
        elif match := _INCLUDE.match(line):
            header.includes += match.group(1).split()
        elif match := _SECTION.match(line):
            section = match.group(1)
            _add(header, section, match.group(2).strip(), name)
        elif section and not line.startswith(_CONTINUED) and line.startswith("--   "):
            _add(header, section, line[2:].strip(), name)
        elif not line.startswith(_CONTINUED):
            section = ""
    return header


def _add(header: Header, section: str, row: str, name: str) -> None:
    words = row.split()
    if section == "KEYS":
        header.keys += words
    elif section == "RETURNS":
        header.returns.append(row)
    elif section == "PARSED":
        header.parsed.append(words[0])
    elif section == "STATE":
        if len(words) < 2:
            raise BadHeader(f"{name}.lua: a STATE line reads `name initial  meaning`, not {row!r}")
        header.state[words[0]] = words[1]
    else:
        if len(words) < 2 or words[1] not in ARGUMENT_TYPES:
            raise BadHeader(f"{name}.lua: an ARGV line reads `name type  meaning`, not {row!r}")
        header.args.append((words[0], words[1]))
