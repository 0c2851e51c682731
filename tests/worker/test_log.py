"""What the log of an agent tells of functions, in lines for people and for programs."""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

import pytest

from handoff_worker.agent.delivery import Result
from handoff_worker.agent.diary import Diary
from handoff_worker.agent.started import Started
from handoff_worker.children.outcome import Died, Failed, Finished
from handoff_worker.log import Entries, JsonLines, Plain, TextLines

ID = "job:1"


def started(attempt: int = 1, description: str = "tasks.train(3)") -> Started:
    return Started(ID, {b"description": description.encode(), b"h_attempts": str(attempt).encode()})


def failed(message: str) -> Result:
    return Result(ID, "failed", "", "ValueError", message)


def record(message: object) -> logging.LogRecord:
    return logging.LogRecord("handoff_worker.agent.diary", logging.INFO, __file__, 1, message, (), None)


def written(diary: Diary, caplog: pytest.LogCaptureFixture) -> list[str]:
    diary.write()
    return [line for each in caplog.records for line in TextLines().format(each).splitlines()]


@pytest.fixture
def diary(caplog: pytest.LogCaptureFixture) -> Diary:
    caplog.set_level(logging.INFO)
    return Diary("n1")


def test_of_each_function_start_end_duration_node_and_id_are_told(
    diary: Diary, caplog: pytest.LogCaptureFixture
) -> None:
    diary.begin(started())
    diary.end(Finished(ID, b"", took_s=0.25))
    diary.settle(started(), Result(ID, "finished", ""), "stored")

    first, second = written(diary, caplog)
    assert first.endswith(" INFO started job (tasks.train) on n1")
    assert second.endswith(" INFO finished job (tasks.train) on n1 in 0.250 s")


def test_what_one_answer_brings_about_is_one_record(diary: Diary, caplog: pytest.LogCaptureFixture) -> None:
    diary.begin(started())
    diary.settle(started(), Result(ID, "finished", ""), "stored")
    diary.write()
    diary.write()

    assert len(caplog.records) == 1


@pytest.mark.parametrize("outcome", [Died(ID, -9, "killed"), Failed(ID, "E", "", "", True, took_s=None)])
def test_of_a_child_that_said_nothing_the_time_since_the_start_is_told(
    diary: Diary, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, outcome: Any
) -> None:
    moments = iter([100.0, 107.5])
    monkeypatch.setattr("time.monotonic", lambda: next(moments))
    diary.begin(started(2))
    diary.end(outcome)
    diary.settle(started(2), failed("out of\nluck"), "retrying")

    first, last = written(diary, caplog)
    assert first.endswith("started job (tasks.train) on n1 in attempt 2")
    told = "failed job (tasks.train) on n1 after 7.500 s in attempt 2 and is tried again: ValueError: out of luck"
    assert last.endswith(told)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("canceled", "canceled job (tasks.train) on n1: no more wanted"),
        ("returned", "returned job (tasks.train) on n1: no more wanted"),
    ],
)
def test_every_other_end_is_told_with_why(
    diary: Diary, caplog: pytest.LogCaptureFixture, answer: str, told: str
) -> None:
    diary.settle(started(), Result(ID, "stopped", "", message="no more wanted"), answer)

    assert written(diary, caplog)[0].endswith(told)


def test_programs_are_told_each_fact_by_itself(diary: Diary, caplog: pytest.LogCaptureFixture) -> None:
    diary.begin(started(2))
    diary.end(Finished(ID, b"", took_s=0.25))
    diary.settle(started(2), failed("no luck"), "failed")
    diary.write()

    first, last = (json.loads(line) for line in JsonLines().format(caplog.records[0]).splitlines())
    shared = {"id": "job", "function": "tasks.train", "node": "n1", "attempt": 2, "level": "INFO"}
    assert first.items() >= {**shared, "event": "started"}.items()
    facts = {"event": "failed", "seconds": 0.25, "error": "ValueError", "reason": "no luck"}
    assert last.items() >= {**shared, **facts}.items()


def test_nothing_is_kept_where_the_log_leaves_it_out(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    diary = Diary("n1")

    diary.begin(started())
    diary.end(Finished(ID, b"", took_s=0.25))
    diary.settle(started(), failed("no luck"), "failed")
    caplog.set_level(logging.INFO)

    assert written(diary, caplog) == []


@pytest.mark.parametrize("description", ["a\nb", "a\x1b[2Jb"])
def test_no_name_of_a_function_makes_a_line_of_its_own_or_moves_the_cursor(
    diary: Diary, caplog: pytest.LogCaptureFixture, description: str
) -> None:
    diary.begin(started(description=description))

    [line] = written(diary, caplog)
    assert line.isprintable()


@pytest.mark.parametrize("form", [TextLines(), JsonLines()])
def test_each_entry_has_the_head_of_its_record(form: logging.Formatter) -> None:
    lines = form.format(record(Entries([Plain("one"), Plain("two")]))).splitlines()

    alone = [form.format(record(text)) for text in ("one", "two")]
    assert [line.partition("INFO")[2] for line in lines] == [line.partition("INFO")[2] for line in alone]


def test_a_traceback_is_in_the_same_line_for_programs() -> None:
    try:
        raise ValueError("no luck")
    except ValueError:
        found = logging.LogRecord("a", logging.ERROR, __file__, 1, "it %s", ("failed",), sys.exc_info())

    said = json.loads(JsonLines().format(found))

    assert (said["message"], said["traceback"].splitlines()[-1]) == ("it failed", "ValueError: no luck")


def test_which_functions_are_stopped_where_their_node_was_lost_is_told_of_each_that_had_not_ended(
    diary: Diary, caplog: pytest.LogCaptureFixture
) -> None:
    ended, running = started(), Started("run:2", {b"description": b"tasks.train(4)", b"h_attempts": b"1"})
    for each in (ended, running):
        diary.begin(each)
    diary.end(Finished(ended.id, b"", took_s=0.25))

    diary.disown("its node was lost")

    (line,) = [line for line in written(diary, caplog) if "stopped" in line]
    assert "stopped run (tasks.train) on n1 after " in line
    assert line.endswith(" s: its node was lost")
