"""What comes back of a function from its child: what it returned or raised, or why it could not be run."""

from __future__ import annotations

import os
from typing import Any

import pytest

from handoff.ledger.fields import FIELDS
from handoff.ledger.texts.options import write_options
from handoff.serializer import PickleSerializer
from handoff_worker.children.outcome import Finished
from handoff_worker.children.pool import Children
from handoff_worker.inside.execution import NOT_FOUND
from handoff_worker.inside.failure import LONGEST_TEXT
from handoff_worker.inside.importing import import_function
from handoff_worker.inside.results import LARGEST_RESULT
from support.children import failure, run, task, value

BYTES_BEFORE_BYTES = 5
"""What msgpack writes before many bytes."""


def test_what_a_function_returns_comes_back(children: Children) -> None:
    assert value(run(children, task("length", b"abc"))) == 3


def test_an_async_function_is_run_to_its_end(children: Children) -> None:
    assert value(run(children, task("halve", 12))) == 6


def test_a_method_of_a_nested_class_is_found(children: Children) -> None:
    assert value(run(children, task("child_tasks.Outer.Inner.name"))) == "inner"


def test_pickled_functions_run_when_the_task_says_so(children: Children) -> None:
    outcome = run(children, task("length", b"abc", job_serializer=PickleSerializer, serializer="pickle"))

    assert isinstance(outcome, Finished)
    assert PickleSerializer.loads(outcome.result) == 3


def test_an_argument_of_7_mb_arrives(children: Children) -> None:
    assert value(run(children, task("length", os.urandom(7 * 2**20)))) == 7 * 2**20


def test_the_largest_result_comes_back(children: Children) -> None:
    count = LARGEST_RESULT - BYTES_BEFORE_BYTES

    assert len(value(run(children, task("zeros", count)))) == count


@pytest.mark.parametrize(
    ("options", "is_retried"),
    [
        ({}, True),
        ({"only": ["ValueError"]}, True),
        ({"only": ["OSError", "Exception"]}, True),
        ({"only": ["OSError"]}, False),
        ({"only": ["no.such.module.Error"]}, False),
        ({"never": ["ValueError"]}, False),
        ({"never": ["BaseException"]}, False),
        ({"never": ["OSError"]}, True),
        ({"only": ["Exception"], "never": ["ValueError"]}, False),
    ],
)
def test_what_a_function_raises_is_tried_again_as_it_asks(
    children: Children, options: dict[str, Any], is_retried: bool
) -> None:
    text = write_options(unfit_ms=0, wait_ms=0, strategy="first_available", **options)

    failed = failure(run(children, task("fail", "no", hash={FIELDS["options"].name: text})))

    assert (failed.exception_type, failed.retryable) == ("ValueError", is_retried)


def test_an_exception_is_known_by_another_name_that_a_loaded_module_has_for_it(children: Children) -> None:
    text = write_options(unfit_ms=0, wait_ms=0, strategy="first_available", never=["os.error"])

    failed = failure(run(children, task("child_tasks.no_such_file", hash={FIELDS["options"].name: text})))

    assert (failed.exception_type, failed.retryable) == ("FileNotFoundError", False)


def test_options_that_were_bent_end_no_child(children: Children) -> None:
    failed = failure(run(children, task("fail", "no", hash={FIELDS["options"].name: b"only=\xff;;=,"})))

    assert (failed.exception_type, failed.retryable) == ("ValueError", False)


@pytest.mark.parametrize(("given", "hopeless"), [((), True), ((b"a", b"b"), True), ((3,), False)])
def test_a_call_that_does_not_fit_its_function_fails_for_good_and_an_error_within_it_does_not(
    children: Children, given: tuple[object, ...], hopeless: bool
) -> None:
    failed = failure(run(children, task("child_tasks.length_of", *given)))

    assert failed.exception_type == "TypeError"
    assert failed.retryable is not hopeless


def test_a_result_over_the_limit_fails_for_good(children: Children) -> None:
    failed = failure(run(children, task("zeros", LARGEST_RESULT - BYTES_BEFORE_BYTES + 1)))

    assert failed.exception_type == "handoff.errors.ResultTooLarge"
    assert "the result takes 64.0 MB and 64 MB is the limit: store the data elsewhere" in failed.message
    assert not failed.retryable


def test_a_result_that_cannot_be_serialized_fails_for_good(children: Children) -> None:
    failed = failure(run(children, task("unserializable")))

    assert failed.exception_type == "handoff.errors.NotSerializable"
    assert failed.message.startswith("the result holds an object")
    assert not failed.retryable


def test_an_exception_comes_back_with_its_traceback(children: Children) -> None:
    failed = failure(run(children, task("fail", "wrong")))

    assert (failed.exception_type, failed.message, failed.retryable) == ("ValueError", "wrong", True)
    assert "in fail\n    raise ValueError(text)\nValueError: wrong\n" in failed.traceback


def test_an_exception_of_the_users_own_has_its_full_name(children: Children) -> None:
    failed = failure(run(children, task("fail_speechless")))

    assert failed.exception_type == "child_tasks.Speechless"
    assert failed.message == "(its text could not be made: RuntimeError)"


@pytest.mark.parametrize(
    ("name", "args", "kind"), [("leave", [0], "SystemExit"), ("interrupt", [], "KeyboardInterrupt")]
)
def test_exits_and_interrupts_end_the_function_and_not_the_child(
    children: Children, name: str, args: list[int], kind: str
) -> None:
    before = value(run(children, task("pid")))

    failed = failure(run(children, task(name, *args)))

    assert failed.exception_type == kind
    assert value(run(children, task("pid"))) == before


def test_a_message_with_what_utf_8_does_not_carry_arrives(children: Children) -> None:
    failed = failure(run(children, task("fail", "file \udcff")))

    assert failed.message == "file \\udcff"


def test_the_middle_of_an_endless_message_is_left_out(children: Children) -> None:
    failed = failure(run(children, task("fail", "a" * LONGEST_TEXT + "b" * LONGEST_TEXT)))

    assert LONGEST_TEXT < len(failed.message) < LONGEST_TEXT + 100
    assert f"a\n... {LONGEST_TEXT} characters left out ...\nb" in failed.message


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("no_such_module.function", "ModuleNotFoundError", f"No module named 'no_such_module' ({NOT_FOUND})"),
        ("child_tasks.no_such", "ImportError", "cannot import name 'no_such' from 'child_tasks'"),
        ("child_tasks.Outer.none", "ImportError", "cannot import name 'Outer.none' from 'child_tasks'"),
        ("lacking.function", "ModuleNotFoundError", f"No module named 'no_such_dependency' ({NOT_FOUND})"),
        ("misspelled.function", "SyntaxError", "expected ':' (misspelled.py, line 1)"),
        ("asking.function", "AttributeError", "'NoneType' object has no attribute 'settings'"),
    ],
    ids=["module", "name", "nested name", "what the module imports", "syntax", "attribute"],
)
def test_what_cannot_be_imported_says_what_is_missing_and_fails_for_good(
    children: Children, name: str, kind: str, message: str
) -> None:
    failed = failure(run(children, task(name)))

    assert (failed.exception_type, failed.message, failed.retryable) == (kind, message, False)


def test_a_name_without_a_module_is_refused() -> None:
    with pytest.raises(ImportError, match="'length' names no module"):
        import_function("length")


def test_arguments_that_cannot_be_read_fail_for_good(children: Children) -> None:
    failed = failure(run(children, task("length", b"abc", job_serializer=PickleSerializer)))

    assert failed.exception_type == "ValueError"
    assert "were not written by Handoff's msgpack serializer" in failed.message
    assert not failed.retryable
