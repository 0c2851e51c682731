"""Of what has finished here a few samples of each name are told, however many there were."""

from __future__ import annotations

from zlib import crc32

import pytest

from handoff_worker.agent.delivery import Result
from handoff_worker.agent.learning import MOST_IN_RUNS, MOST_NAMES, MOST_OF_ONE, Learning
from handoff_worker.agent.started import Started


def note(
    learning: Learning, id: str, code: bytes, usage: str = "41,1000,2000", kind: str = "finished", **fields: bytes
) -> None:
    hash = {b"h_code": code, b"h_demand": b"cpu=10000,memory=5000000,slots=10000"}
    hash |= {name.encode(): value for name, value in fields.items()}
    learning.note(Started(id, hash), Result(id, kind, "", usage=usage))


@pytest.fixture
def learning() -> Learning:
    return Learning()


def test_a_sample_says_what_was_used_and_declared(learning: Learning) -> None:
    note(learning, "f:1", b"tasks:f")

    code, number, sample, id = learning.take()
    assert (code, sample, id) == (b"tasks:f", "41,1000,2000,5000000,10000", "")
    assert number == crc32(b"f:1")


def test_it_is_told_once(learning: Learning) -> None:
    note(learning, "f:1", b"tasks:f")
    learning.take()

    assert learning.take() == []


def test_of_many_of_one_name_a_few_are_told_and_those_of_others_too(learning: Learning) -> None:
    for number in range(100):
        note(learning, f"f{number}:1", b"tasks:f")
    note(learning, "g:1", b"tasks:g")

    assert learning.take()[::4] == [*[b"tasks:f"] * MOST_OF_ONE, b"tasks:g"]


def test_of_runs_more_are_told_each_with_the_number_of_its_id(learning: Learning) -> None:
    for number in range(100):
        note(learning, f"run-{number}:1", b"tasks:f", h_run=b"run", h_function=b"f%d" % number)

    assert learning.take()[3::4] == [crc32(b"f%d" % number) for number in range(MOST_OF_ONE + MOST_IN_RUNS)]


def test_of_what_was_stopped_for_its_memory_that_is_told_and_not_how_long_it_took(learning: Learning) -> None:
    note(learning, "f:1", b"tasks:f", usage="912,,2000", kind="exceeded")

    assert learning.take()[2] == "912,0,0,5000000,10000"


def test_who_is_to_keep_nothing_learns_nothing() -> None:
    learning = Learning(0)
    note(learning, "f:1", b"tasks:f")

    assert learning.take() == []


def test_of_many_names_a_few_are_told(learning: Learning) -> None:
    for number in range(100):
        note(learning, f"f{number}:1", b"tasks:f%d" % number)

    assert len(learning.take()[::4]) == MOST_NAMES


@pytest.mark.parametrize(
    ("code", "usage"), [(b"", "41,,"), (b"tasks:f", ""), (b"tasks:f", ",,"), (b"x" * 1025, "41,,")]
)
def test_of_what_has_no_name_or_no_usage_nothing_is_learned(learning: Learning, code: bytes, usage: str) -> None:
    note(learning, "f:1", code, usage)

    assert learning.take() == []
