"""What no script does, wherever it stands."""

from __future__ import annotations

import re

from support.each import of_each
from support.lua_files import FILES, body, taken_from_outside, used_of

TEXTS = tuple(file for file in FILES if file.startswith("texts/"))
OTHERS = tuple(file for file in FILES if file not in TEXTS)

COUNTS_ATTEMPTS = {"jobs/executions", "recall"}
"""An attempt counts from its start, however it ends; one that was not begun is taken back, after a roll-back told."""

BEGINS_WITH = {"jobs/queues", "housekeeping/queue_sweep"}
"""These compare how keys of RQ's queues begin, which is no text of ours."""


@of_each("file", FILES)
def test_no_file_spells_a_key_or_a_field_itself(file: str) -> None:
    assert not re.search(r"'(rq|handoff):", body(file))
    assert not re.search(r"\bh_\w+", body(file))
    assert taken_from_outside(file).isdisjoint({"KEYS", "P"})


@of_each("file", OTHERS)
def test_texts_are_taken_apart_by_their_owners_alone(file: str) -> None:
    used = set(re.findall(r"\bstring\.(\w+)", body(file))) - {"format", "rep", "char"}

    assert used == ({"sub"} if file in BEGINS_WITH else set())


@of_each("file", OTHERS)
def test_texts_are_put_together_by_their_owners_alone(file: str) -> None:
    joined = set(re.findall(r"\.\. *'([^'\w ]{1,2})'|'([^'\w ]{1,2})' *\.\.", body(file)))
    joined |= {(mark, "") for mark in re.findall(r"table\.concat\(.*?, '([^']+)'\)", body(file))}

    # The names of RQ's queues and executions, and of columns of bits, are keys, which these own.
    # RQ's commands are its own text, in JSON.
    own = {
        "jobs/commands": {'"}'},
        "jobs/queues": {"."},
        "nodes/index": {":"},
        "waiting/shape_columns": {":"},
        "jobs/executions": {":"},
    }
    assert {mark for pair in joined for mark in pair if mark} <= own.get(file, {"("})


@of_each("file", FILES)
def test_the_clock_is_read_by_the_loader_alone(file: str) -> None:
    assert "'TIME'" not in body(file)
    assert "math.random" not in body(file)


OVERWRITTEN = {
    "counting", "ends", "jobs/bent", "jobs/dependencies", "jobs/ending", "jobs/job", "jobs/sending", "jobs/telling",
    "nodes/node", "read_keys", "runs/inputs", "runs/members",
}  # fmt: skip
"""Files that read or count what others may have written over: an error says that it is no hash, stream or number."""


@of_each("file", FILES)
def test_errors_of_commands_are_never_swallowed(file: str) -> None:
    # A hint may be lost, and who may not publish is not to leave half of what was asked written.
    assert used_of(file, "redis") <= (
        {"pcall"} if file == "jobs/commands" else {"call"} | ({"pcall"} if file in OVERWRITTEN else set())
    )


def test_no_end_of_an_attempt_says_how_many_there_were() -> None:
    writing = {file for file in FILES if re.search(r"\bset\([^)]*'attempts'|'attempts', Number\.text", body(file))}

    assert writing == COUNTS_ATTEMPTS
