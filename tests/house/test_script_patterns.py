"""Patterns of Lua take a time that grows as the text does, whoever wrote it: a script that backtracks holds Redis."""

from __future__ import annotations

import re
from functools import cache
from importlib import import_module
from typing import NamedTuple

import pytest

from support.each import of_each
from support.lua_files import FILES, body

CALL = re.compile(r"string\.(?:match|gmatch|find|gsub)\(")
PATTERN = re.compile(r"string\.(?:match|gmatch|find|gsub)\([^\n]*?, '([^']*)'[,)]")
ITEM = re.compile(r"(\[\^?\]?[^\]]*\]|%.|[^()])([*+?-]?)")

KNOWN = {
    "^(.*)%-(%d+)$": "from each - on only the digits behind it are looked at",
    "^(.*)|(%d+)$": "the same",
    "([^&]*)&": "what it is looked for in ends with &",
}
"""Those that take no longer all the same, and why."""


class Item(NamedTuple):
    """One class of a pattern, and how often it may stand there: `*`, `+`, `-`, `?`, or once."""

    chars: frozenset[int]
    often: str

    @property
    def is_unbounded(self) -> bool:
        return self.often in ("*", "+", "-")

    @property
    def may_be_absent(self) -> bool:
        return self.often in ("*", "-", "?")


@cache
def chars_of(text: str) -> frozenset[int]:
    runtime = import_module("lupa.lua51").LuaRuntime(encoding="latin-1")
    find = runtime.eval("function(char, class) return string.find(char, '^' .. class .. '$') ~= nil end")
    return frozenset(code for code in range(1, 256) if find(chr(code), text))


def items_of(pattern: str) -> list[Item]:
    text = pattern.removeprefix("^").removesuffix("$")
    return [Item(chars_of(each), often) for each, often in ITEM.findall(text)]


def is_linear(pattern: str) -> bool:
    """Whether no part of a text is looked at once more for each place at which another part may end."""
    items = items_of(pattern)
    # What ends with all that is left cannot fail there.
    may_fail_at_end = pattern.endswith("$") and not re.search(r"\.\*\)?\$$", pattern)
    for i, item in enumerate(items):
        rest = items[i + 1 :]
        is_sure = not may_fail_at_end and all(each.may_be_absent for each in rest)
        if not item.is_unbounded or is_sure:
            continue
        for following in rest:
            if following.chars & item.chars:
                return False
            if not following.may_be_absent:
                break
    if pattern.startswith("^") or len(items) == 1:
        return True
    # It is tried from every place on, and is to fail at once at all but a few.
    first, *rest = items
    return not any(each.is_unbounded and each.chars & first.chars for each in rest) and not first.is_unbounded


@of_each("file", FILES)
def test_no_pattern_backtracks_over_what_others_may_have_written(file: str) -> None:
    patterns = PATTERN.findall(body(file))

    assert len(patterns) == len(CALL.findall(body(file))), "each pattern is one text, in the line of its call"
    assert [pattern for pattern in patterns if not is_linear(pattern) and pattern not in KNOWN] == []


@pytest.mark.parametrize(
    "pattern", ["^(.+)_memory$", "^(%d+)/?(%d*)$", "([^=;]+)=([^;]*)", "^([^/]+)/?([^/]*)/?([^/]*)$", ".*x"]
)
def test_patterns_that_do_are_known_as_such(pattern: str) -> None:
    assert not is_linear(pattern)
