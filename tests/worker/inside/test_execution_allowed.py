"""Children keep to what their operator allows, in whatever field of a job a name stands."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from handoff.serializer import Serializer
from handoff_worker.children.nursery import Imports
from handoff_worker.children.pool import Children
from handoff_worker.children.task import Task
from handoff_worker.inside.job import Job
from handoff_worker.machine.allowed import Allowed
from support.children import (
    TESTS,
    entry,
    failure,
    graph,
    inline,
    inline_function,
    inputs,
    result,
    run,
    task,
    transform,
    value,
)  # fmt: skip
from support.waiting import LIMIT_S

NOT_HERE = "handoff.errors.NotAllowed"


@pytest.fixture(scope="module")
def children() -> Iterator[Children]:
    children = Children(idle_limit=2, imports=Imports([TESTS]), grace_s=LIMIT_S)
    yield children
    children.close()


def refused(children: Children, made: Task, name: str) -> None:
    failed = failure(run(children, made))

    assert failed.exception_type == NOT_HERE
    assert failed.message.startswith(
        f"'{name}' is not defined in what may be called on this node, which is child_tasks:"
    )
    assert not failed.retryable


ALLOW: dict[str, Any] = {"allow": ("child_tasks:length", "child_tasks:write_failure")}


def test_a_child_calls_what_is_allowed(children: Children) -> None:
    assert value(run(children, task("length", b"abc", **ALLOW))) == 3


@pytest.mark.parametrize(
    ("made", "name"),
    [
        (task("os.getpid", **ALLOW), "os.getpid"),
        (task("length", b"abc", on_success="os.system", **ALLOW), "os.system"),
        (task("length", b"abc", on_failure="os.system", **ALLOW), "os.system"),
        (task("length", kind="on_failure", on_failure="os.system", **ALLOW), "os.system"),
        (task("length", hash=graph(inputs(result(1, deserialize=transform("os.system")))), **ALLOW), "os.system"),
        (task("length", b"", hash=graph(forms=[transform("os.system")]), **ALLOW), "os.system"),
        (
            task("length", hash=graph(inputs(inline(0), inlines=[inline_function("os.getcwd")])), **ALLOW),
            "os.getcwd",
        ),
        (
            task(
                "length",
                hash=graph(inputs(inline(0, serialize=transform("os.system")), inlines=[inline_function("length")])),
                **ALLOW,
            ),
            "os.system",
        ),
    ],
    ids=[
        "function",
        "on_success",
        "on_failure",
        "called on_failure",
        "deserialize",
        "serialize",
        "inline",
        "of inline",
    ],
)
def test_a_child_calls_nothing_else(children: Children, made: Task, name: str) -> None:
    refused(children, made, name)


def test_no_method_of_a_value_that_came_with_the_call_is_called(children: Children, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    data = Serializer.dumps(("touch", Path(mark), (), {}))
    limited = task("length", hash={"data": data}, **ALLOW)

    failed = failure(run(children, limited))

    assert failed.exception_type == NOT_HERE
    assert "pathlib.PosixPath.touch" in failed.message
    assert not mark.exists()
    # As rq calls it where nobody has limited that.
    run(children, task("length", hash={"data": data}))
    assert mark.exists()


def test_a_method_is_called_where_its_class_is_allowed() -> None:
    data = Serializer.dumps(("joinpath", PurePosixPath("a"), ("b",), {}))
    connection: Any = None

    limited = Job.unread("f", lambda: connection, Serializer, {b"data": data}, Allowed(["pathlib"]))

    assert limited.func(*limited.args) == PurePosixPath("a/b")


def test_the_failure_callback_is_told_an_exception_of_a_module_that_is_loaded_and_none_is_imported(
    children: Children, told: Path
) -> None:
    for exception_type, kind in (("ValueError", "ValueError"), ("fences.closed.Error", "OriginalUnavailable")):
        made = task(
            "length", kind="on_failure", on_failure="write_failure", exception_type=exception_type, message="no",
            environment={"TOLD": str(told)}, **ALLOW,
        )  # fmt: skip
        run(children, made)
        assert f'"{kind}"' in told.read_text()


def test_results_reach_an_allowed_function(children: Children) -> None:
    made = task("length", hash=graph(inputs(result(1))), inputs={1: entry(b"four")}, **ALLOW)

    assert value(run(children, made)) == 4
