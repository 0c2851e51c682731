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

A line that begins further to the right goes on with the one above. Files under lib/ have no ARGV and
RETURNS and define functions only.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from functools import cache
from importlib import resources

from handoff.keys import paths

_SECTION = re.compile(r"^-- (KEYS|ARGV|RETURNS)\s+(.*)$")
_INCLUDE = re.compile(r"^-- @include (\S+)$")
_CONTINUED = "--" + " " * 12
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


@cache
def load(name: str, rq_prefix: str) -> Script:
    """Assemble an operation: prelude from its header, its includes in order, its body."""
    order: list[str] = []

    def include(part: str) -> None:
        if part in order:
            return
        for inner in parse(part, source(part)).includes:
            include(inner)
        order.append(part)

    include(name)
    schema = paths(rq_prefix)
    wanted = sorted({key for part in order for key in parse(part, source(part)).keys})
    fields = ", ".join(f"{key} = {'P .. ' if schema[key][0] else ''}'{schema[key][1]}'" for key in wanted)
    chunks = [(f"{name}.lua:prelude", "local P = KEYS[1]"), (f"{name}.lua:prelude", f"local K = {{{fields}}}")]
    header = parse(name, source(name))
    for number, (arg, kind) in enumerate(header.args, start=1):
        if kind == "list":
            chunks.append((f"{name}.lua:prelude", f"local {arg}_first = {number}"))
        else:
            chunks.append((f"{name}.lua:prelude", f"local {arg} = {_CONVERSIONS[kind].format(number)}"))
    for part in order:
        for number, line in enumerate(source(part).splitlines(), start=1):
            if line.strip() and not line.lstrip().startswith("--"):
                chunks.append((f"{part}.lua:{number}", line))
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
