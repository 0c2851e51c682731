"""A job's hash that somebody has altered fails its function for good, with the field named; no child dies of it."""

from __future__ import annotations

import resource
import zlib
from collections.abc import Iterator
from typing import Any

import msgpack
import pytest

from handoff.serializer import Serializer
from handoff_worker.children.nursery import Imports
from handoff_worker.children.pool import Children
from support.children import TESTS, failure, graph, inline, inline_function, inputs, result, run, task, transform, value
from support.waiting import LIMIT_S

MARK = msgpack.ExtType

BOMB = zlib.compress(b"\0" * 2**27, 9)
"""128 MB in 130 kB."""


def written(*fields: Any) -> bytes:
    """Fields behind a mark of ours that does not belong to them."""
    code, *rest = fields
    packed: bytes = msgpack.packb(["child_tasks.length", None, [[MARK(code, b""), *rest]], {}])
    return packed


def call(*call: object) -> bytes:
    return Serializer.dumps(list(call))


DATA: dict[str, bytes] = {
    "nothing": b"",
    "no msgpack": b"\xc1",
    "half": call("child_tasks.length", None, [b"abc"], {})[:-4],
    "more": call("child_tasks.length", None, [b"abc"], {}) + b"\xc0",
    "text": b"os.system",
    "a pickle": b"\x80\x05cposix\nsystem\n.",
    "a bomb": BOMB,
    "half a bomb": BOMB[:-10],
    "deep": b"\x91" * 10_000 + b"\xc0",
    "deep in the call": b"\x94\xb2child_tasks.length\xc0" + b"\x91" * 10_000 + b"\xc0\x80",
    "an announced list": b"\xdd\xff\xff\xff\xff",
    "a number": call(5)[1:],
    "three parts": call("child_tasks.length", None, []),
    "a name that is a number": call(5, None, [], {}),
    "a name that is a list": call(["os", "system"], None, [], {}),
    "arguments that are text": call("child_tasks.length", None, "abc", {}),
    "arguments that are a map": call("child_tasks.length", None, {"a": 1}, {}),
    "keywords that are a list": call("child_tasks.length", None, [], [1]),
    "keywords that are numbers": call("child_tasks.length", None, [], {1: 2}),
    "a long name": call("child_tasks." + "x" * 2**20, None, [], {}),
    "a name of many dots": call("a." * 2**20 + "x", None, [], {}),
    "no name": call(None, None, [], {}),
    "an odd name": call("\ud800.\0", None, [], {}),
    "nobody's": call("child_tasks.nobody", None, [], {}),
    "nobody's module": call("no_such_module.nobody", None, [], {}),
    "an unknown mark": written(99, 1),
    "an array of a negative shape": written(14, "<f8", "d", 0, [-1, -8], "C", b"\0" * 64),
    "an array of huge dimensions": written(14, "<f8", "d", 0, [2**40, 2**40], "C", b""),
    "an array of nothing times much": written(14, "<f8", "d", 0, [0, 2**62, 2**62], "C", b""),
    "an array of 100,000 dimensions": written(14, "<f8", "d", 0, [2**63] * 100_000, "C", b""),
    "an array of a text as its shape": written(14, "<f8", "d", 0, ["x" * 1000, 2**30], "C", b""),
    "an array of objects": written(14, "|O8", "O", 0, [1], "C", b"\0" * 8),
    "an array of Python": written(14, "<f8", ["__import__('os')"], 0, [1], "C", b"\0" * 8),
    "as many zeros": written(15, "S", 2**40),
    "a zone that is a path": written(6, 2020, 1, 1, 0, 0, 0, 0, 0, "../../../etc/passwd"),
    "a long zone": written(6, 2020, 1, 1, 0, 0, 0, 0, 0, "x" * 2**20),
    "a time that is text": written(8, "a", 0, 0, 0, 0, None),
    "a set of lists": written(1, []),
    "a long time": written(9, 2**60, 0, 0),
    "a UUID that is long": written(10, b"\xff" * 100, 0),
    "a path of NUL": written(11, 5),
}

TOLD = {
    "a bomb": "at most 64 MB when it is unpacked",
    "an array of a negative shape": "its shape is none",
    "an array of 100,000 dimensions": "its shape is none",
}

GRAPH: dict[str, dict[str, str | bytes]] = {
    "inputs that are none": {"h_inputs": b"\xc1"},
    "inputs that are a list": graph({"args": 5}),
    "inputs without lists": graph({"args": [], "as_list": False, "inlines": 5}),
    "a source that is none": graph(inputs(["results", 1, "a", 0, None])),
    "a source that is text": graph(inputs("result")),
    "a negative number": graph(inputs(result(-1))),
    "an inline that is missing": graph(inputs(inline(1), inlines=[inline_function("length")])),
    "an inline that takes itself": graph(inputs(inline(0), inlines=[inline_function("length", inline(0))])),
    "an inline of nothing": graph(inputs(inlines=[[]])),
    "a transform that is text": graph(inputs(result(1, deserialize="os.system"))),
    "a transform of text": graph(inputs(result(1, deserialize=["os.system", "x"]))),
    "forms that are none": {"h_forms": b"\xc1"},
    "a form that is text": graph(forms=["os.system"]),
    "a form of nothing": graph(forms=[None]),
    "forms that are a map": {"h_forms": Serializer.dumps({"a": 1})},
    "constants that are a map": graph(forms=[["child_tasks.length", {"a": 1}]]),
}


@pytest.fixture(scope="module")
def children() -> Iterator[Children]:
    children = Children(idle_limit=1, imports=Imports([TESTS]), grace_s=LIMIT_S)
    yield children
    children.close()


@pytest.mark.parametrize("name", DATA)
def test_a_call_that_is_none_fails_its_function_for_good(children: Children, name: str) -> None:
    failed = failure(run(children, task("length", hash={"data": DATA[name]})))

    assert not failed.retryable
    assert failed.exception_type != "handoff.ChildDied"
    assert len(failed.message) < 2_000
    assert TOLD.get(name, "") in failed.message
    assert value(run(children, task("length", b"abc"))) == 3


@pytest.mark.parametrize("name", GRAPH)
def test_arguments_that_cannot_be_made_fail_their_function_for_good(children: Children, name: str) -> None:
    failed = failure(run(children, task("length", b"abc", hash=GRAPH[name])))

    assert not failed.retryable
    assert failed.exception_type in ("handoff.errors.UnreadableField", "builtins.ValueError", "ValueError")


def test_what_a_graph_writes_is_read(children: Children) -> None:
    made = inputs(
        inline(1, serialize=transform("child_tasks.length")),
        inlines=[
            inline_function("child_tasks.length", extra=[b"a"]),
            inline_function("child_tasks.length", extra=[b"ab"]),
        ],
    )
    failed = failure(run(children, task("length", hash=graph(made))))

    assert failed.exception_type == "TypeError"


def test_a_bomb_takes_no_memory_and_its_failure_callback_is_told(children: Children, told: Any) -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    made = task(
        "length", hash={"data": BOMB, "exc_info": BOMB}, kind="on_failure", on_failure="write_failure",
        exception_type="ValueError", message="no", environment={"TOLD": str(told)},
    )  # fmt: skip

    run(children, made)

    assert '"ValueError", "no"' in told.read_text()
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss <= max(before, 2**18)
