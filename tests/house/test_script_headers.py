"""Every Lua file keeps its word: the keys, arguments, replies, state and includes of its header are those it uses."""

from __future__ import annotations

import re

import pytest

from handoff.ledger.fields import FIELDS
from handoff.ledger.keys import SCHEMA
from handoff.ledger.lua import files
from handoff.ledger.lua.header import BadHeader, parse
from support.each import of_each
from support.lua_files import (
    FILES,
    LIBRARIES,
    OPERATIONS,
    arguments,
    body,
    private,
    public,
    taken_from_outside,
    used_of,
)

LINE_OF_A_LIBRARY = re.compile(r"(local )?function |local \w+(, \w+)* = |[A-Z]\w*\.\w+(, [A-Z]\w*\.\w+)* = |end$|\}$")
"""How a line without indent may begin in a file that only defines."""

GIVEN_BY_THE_CALL = {"lobby", "layout", "wall", "now", "uptime"}


@of_each("file", FILES)
def test_a_file_opens_with_a_sentence_and_its_header_names_nothing_twice(file: str) -> None:
    header = files.header(file)

    assert re.match(r"-- [A-Z].*\w", files.source(file).splitlines()[0])
    assert len(header.keys) == len(set(header.keys))
    assert len(header.includes) == len(set(header.includes))


@of_each("file", FILES)
def test_a_file_declares_the_keys_that_it_uses_and_no_others(file: str) -> None:
    assert used_of(file, "K") == set(files.header(file).keys)
    assert used_of(file, "K") <= SCHEMA.keys()


def test_every_key_of_the_schema_is_used_by_some_script() -> None:
    assert {key for file in FILES for key in files.header(file).keys} == SCHEMA.keys()


@of_each("file", FILES)
def test_a_file_uses_fields_that_are_on_the_page_of_fields(file: str) -> None:
    assert used_of(file, "F") <= FIELDS.keys()


@of_each("operation", OPERATIONS)
def test_every_argument_of_an_operation_is_used(operation: str) -> None:
    assert arguments(operation) - taken_from_outside(operation) == set()


@of_each("operation", OPERATIONS)
def test_only_the_last_argument_is_a_list(operation: str) -> None:
    kinds = [kind for _, kind in files.header(operation).args]

    assert "list" not in kinds[:-1]


@of_each("file", FILES)
def test_arguments_are_counted_only_from_the_beginning_of_a_list(file: str) -> None:
    lists = [name for name, kind in files.header(file).args if kind == "list"]
    uses = re.findall(r"(?:#ARGV|ARGV\[[^]]*\]|ARGV, (?:\w+_first|i)\b)", body(file))

    assert len(uses) == len(re.findall(r"\bARGV\b", body(file)))
    assert not [use for use in uses if not lists or re.search(r"ARGV\[\d", use)]


@of_each("operation", OPERATIONS)
def test_an_operation_returns_the_tags_that_its_header_lists_and_no_others(operation: str) -> None:
    listed = [re.match(r"\{'(\w+)'", line) for line in files.header(operation).returns]
    answered_by = re.findall(r"^return (\w+)\.\w+\(", body(operation), re.MULTILINE)
    bodies = [body(operation), *(body(file) for file in FILES if files.table_of(file) in answered_by)]
    replies = [reply for text in bodies for reply in re.findall(r"\b(?:return|reply =) \{(.*)", text)]
    tags = {tag for reply in replies for tag in re.findall(r"^'(\w+)'", reply)}
    tags |= {tag for reply in replies for tag in re.findall(r"\b(?:and|or) '(\w+)'\}", reply)}
    tags |= {tag for reply in replies for tag in re.findall(r"\band '(\w+)' or '\w+'\}", reply)}

    assert all(listed)
    assert tags == {match.group(1) for match in listed if match}


@of_each("library", LIBRARIES)
def test_a_library_only_defines(library: str) -> None:
    outermost = [line for line in body(library).splitlines() if line and not line.startswith(" ")]

    assert [line for line in outermost if not LINE_OF_A_LIBRARY.match(line)] == []
    assert not [line for line in outermost if "redis." in line]
    assert (files.header(library).args, files.header(library).returns) == ([], [])


@of_each("library", LIBRARIES)
def test_a_library_keeps_nothing_but_what_its_header_says_and_that_in_the_call(library: str) -> None:
    assigned = set(re.findall(r"^ .*?\b([A-Z]\w*)\.\w+ = ", body(library), re.MULTILINE)) - {"Call", "Parsed"}
    kept = [name for name in private(library) if re.search(rf"^ +{name} = ", body(library), re.MULTILINE)]

    assert assigned == set()
    assert kept == []
    assert used_of(library, "Call") - GIVEN_BY_THE_CALL == set(files.header(library).state)
    assert used_of(library, "Parsed") == set(files.header(library).parsed)


def test_nothing_in_the_call_is_kept_by_two() -> None:
    headers = [files.header(library) for library in LIBRARIES]
    kept = [name for header in headers for name in (*header.state, *header.parsed)]

    assert sorted(kept) == sorted(set(kept))


@of_each("operation", OPERATIONS)
def test_an_operation_uses_the_call_to_ask_and_keeps_nothing_in_it(operation: str) -> None:
    assert used_of(operation, "Call") <= GIVEN_BY_THE_CALL
    assert files.header(operation).state == {}
    assert not [file for file in FILES if operation in files.header(file).includes]


@of_each("file", FILES)
def test_a_file_includes_the_libraries_whose_tables_it_uses_and_no_others(file: str) -> None:
    own = {"K", "F", "Call", "ARGV", *arguments(file)}
    own |= {files.table_of(file), "Parsed"} if file in LIBRARIES else set()

    assert taken_from_outside(file) - own == {files.table_of(library) for library in files.header(file).includes}


@of_each("file", FILES)
def test_a_file_uses_of_a_library_what_that_library_shows(file: str) -> None:
    for library in files.header(file).includes:
        assert used_of(file, files.table_of(library)) <= public(library), library


def test_no_two_libraries_have_a_table_of_one_name() -> None:
    tables = [files.table_of(library) for library in LIBRARIES]

    assert sorted(tables) == sorted(set(tables))


@of_each("library", LIBRARIES)
def test_whatever_a_library_shows_is_used_elsewhere(library: str) -> None:
    table = files.table_of(library)
    elsewhere = frozenset().union(*(used_of(file, table) for file in FILES if file != library))

    header = files.header(library)
    assert public(library) - elsewhere - {header.first, header.last, header.afterwards} == set()


@of_each("library", LIBRARIES)
def test_whatever_a_library_keeps_to_itself_it_uses(library: str) -> None:
    assert [name for name in private(library) if len(re.findall(rf"\b{name}\b", body(library))) < 2] == []


@pytest.mark.parametrize(
    "text",
    [
        "-- X.\n--\n-- ARGV     job\n",
        "-- X.\n--\n-- ARGV     job  bytes\n",
        "-- X.\n--\n-- ARGV     job  json  meaning\n",
    ],
)
def test_an_argument_without_a_type_that_the_loader_knows_is_refused(text: str) -> None:
    with pytest.raises(BadHeader, match=r"^x\.lua: an ARGV line reads `name type  meaning`"):
        parse("x", text)


def test_a_state_without_a_beginning_is_refused() -> None:
    with pytest.raises(BadHeader, match=r"^x\.lua: a STATE line reads `name initial  meaning`"):
        parse("x", "-- X.\n--\n-- STATE    loaded\n")
