"""What callbacks are told, and what becomes of what goes wrong in them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from handoff.serializer import PickleSerializer
from handoff_worker.children.outcome import Finished
from handoff_worker.children.pool import Children
from support.children import failure, run, task, value


def test_the_success_callback_is_told_the_result(children: Children, told: Path) -> None:
    outcome = run(children, task("length", b"abc", on_success="write_success", environment={"TOLD": str(told)}))

    assert value(outcome) == 3
    assert told.read_text() == "f finished 3"


def test_a_success_callback_that_raises_fails_the_function(children: Children) -> None:
    failed = failure(run(children, task("length", b"abc", on_success="fail_on_success")))

    assert (failed.exception_type, failed.message) == ("LookupError", "no place for 3")


def test_nobody_is_told_of_a_success_that_cannot_be_stored(children: Children, told: Path) -> None:
    failure(run(children, task("unserializable", on_success="write_success", environment={"TOLD": str(told)})))

    assert not told.exists()


@pytest.mark.parametrize(
    ("exception_type", "message", "kind", "text"),
    [
        ("ValueError", "wrong", "ValueError", "wrong"),
        ("rq.timeouts.JobTimeoutException", "late", "JobTimeoutException", "late"),
        ("handoff.errors.NodeLost", "gone", "OriginalUnavailable", "handoff.errors.NodeLost: gone"),
        ("no_such_module.Error", "gone", "OriginalUnavailable", "no_such_module.Error: gone"),
        ("child_tasks.nothing", "gone", "OriginalUnavailable", "child_tasks.nothing: gone"),
    ],
    ids=["builtin", "imported", "built otherwise", "not to be imported", "no exception"],
)
def test_the_failure_callback_is_told_what_happened(
    children: Children, told: Path, exception_type: str, message: str, kind: str, text: str
) -> None:
    tell = task(
        "nothing",
        kind="on_failure",
        on_failure="write_failure",
        exception_type=exception_type,
        message=message,
        traceback="Traceback: ...",
        environment={"TOLD": str(told)},
    )

    outcome = run(children, tell)

    assert outcome == Finished("f", b"")
    assert json.loads(told.read_text()) == ["f", kind, text, ["Traceback: ..."], True]


def test_a_failure_callback_has_its_own_limit_of_time(children: Children) -> None:
    failed = failure(
        run(children, task("nothing", kind="on_failure", on_failure="sleep_on_failure", callback_timeout=1))
    )

    assert failed.exception_type == "rq.timeouts.JobTimeoutException"


@pytest.mark.parametrize("serializer", ["msgpack", "unread"])
def test_the_failure_callback_of_a_call_that_cannot_be_read_is_told_all_the_same(
    children: Children, told: Path, serializer: str
) -> None:
    tell = task(
        "nothing", job_serializer=PickleSerializer, serializer=serializer, kind="on_failure",
        on_failure="write_failure", exception_type="ValueError", message="wrong", environment={"TOLD": str(told)},
    )  # fmt: skip

    assert run(children, tell) == Finished("f", b"")
    assert json.loads(told.read_text())[1:3] == ["ValueError", "wrong"]
