"""Every error keeps its fields on the way between processes, and says what to do."""

from __future__ import annotations

import copy
import inspect
import pickle
import types
import typing
from collections.abc import Mapping, Sequence

import pytest

from handoff import MemoryExceeded, NotRetried, StreamBehind, StreamRestarted, errors
from handoff.errors import HandoffError

EXAMPLES: dict[object, object] = {
    str: "some text",
    int: 3,
    bool: True,
    float: 2.5,
    object: 1.5,
    Mapping: {"cpu": 1.5, "gpu": 1},
    Sequence: ["a", "b", "a"],
}
ERRORS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, HandoffError) and kind is not HandoffError
] + [MemoryExceeded, NotRetried, StreamBehind, StreamRestarted]


def examples_of(hint: object) -> list[object]:
    """One value for each kind that a field may be of."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return [value for part in typing.get_args(hint) for value in examples_of(part)]
    if hint is type(None):
        return [None]
    return [EXAMPLES[typing.get_origin(hint) or hint]]


def hints_of(kind: type[HandoffError]) -> dict[str, object]:
    hints = typing.get_type_hints(kind.__init__)
    return {name: hints[name] for name in inspect.signature(kind).parameters}


def built(kind: type[HandoffError]) -> list[HandoffError]:
    """Errors of this kind: each field in turn takes all its examples, the others their first."""
    fields = {name: examples_of(hint) for name, hint in hints_of(kind).items()}
    first = {name: values[0] for name, values in fields.items()}
    return [kind(**{**first, name: value}) for name, values in fields.items() for value in values]


@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.__name__)
class TestEveryError:
    def test_it_survives_pickling_and_copying_with_its_fields_and_text(self, kind: type[HandoffError]) -> None:
        for error in built(kind):
            for again in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
                assert type(again) is kind
                assert vars(again) == vars(error)
                assert str(again) == str(error)

    def test_every_parameter_is_kept_as_a_field_of_that_name(self, kind: type[HandoffError]) -> None:
        fields = {name: examples_of(hint)[0] for name, hint in hints_of(kind).items()}

        error = kind(**fields)

        assert {name: getattr(error, name) for name in fields} == fields

    def test_it_says_what_is_so_and_then_what_to_do(self, kind: type[HandoffError]) -> None:
        for error in built(kind):
            so, colon, advice = str(error).rpartition(": ")

            assert colon
            assert so
            assert advice
            assert "\n" not in str(error)


def test_what_is_short_cannot_be_changed_through_the_mapping_that_was_passed() -> None:
    short = {"cpu": 1}
    error = errors.ResourcesUnavailable("a", short)

    short["cpu"] = 2

    assert error.short == {"cpu": 1}


def test_a_claim_that_fits_nowhere_says_so_without_naming_a_node() -> None:
    error = errors.ResourcesUnavailable(None, {"cpu": 1.5, "gpu": 1})

    assert str(error).startswith("every node is short of 1.5 cpu, 1 gpu: ")


def test_a_cycle_is_written_as_the_way_that_results_would_go() -> None:
    assert "a -> b -> a" in str(errors.CyclicDependency(("a", "b", "a")))


def test_the_text_of_a_cycle_of_thousands_names_some_and_their_number() -> None:
    cycle = [f"f{number}" for number in range(10_000)]

    text = str(errors.CyclicDependency([*cycle, "f0"]))

    assert "f0 -> f1 -> " in text
    assert "(10000 in all)" in text
    assert len(text) < 300


@pytest.mark.parametrize(
    ("error", "parents"),
    [
        (errors.RunCanceled("r", "detached"), (errors.FunctionCanceled,)),
        (errors.RunTimedOut("r", 1.5), (HandoffError, TimeoutError)),
        (errors.UnknownRun("r"), (errors.UnknownFunction,)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_a_run_raises_is_caught_as_what_a_function_raises(
    error: HandoffError, parents: tuple[type[Exception], ...]
) -> None:
    assert all(isinstance(error, parent) for parent in parents)
    assert "run 'r'" in str(error)


def test_what_cannot_be_carried_says_what_to_do_with_an_argument_and_with_a_result() -> None:
    argument = str(errors.NotSerializable("argument 0 of function 'a'", "object"))
    result = str(errors.NotSerializable("the result['x']", "set of locks"))

    assert argument.startswith("argument 0 of function 'a' holds an object, which msgpack does not carry: pass plain")
    assert result.startswith("the result['x'] holds a set of locks, which msgpack does not carry: return plain data")
    assert "Argument(id, serialize=...)" in result


def test_a_run_that_timed_out_does_not_pass_for_an_error_of_the_system() -> None:
    assert errors.RunTimedOut("r", 1.5).errno is None


def test_a_canceled_function_tells_why_where_there_is_a_reason() -> None:
    assert str(errors.FunctionCanceled("f")).startswith("function 'f' was canceled: ")
    assert str(errors.FunctionCanceled("f", "its run 'r' failed")).startswith(
        "function 'f' was canceled (its run 'r' failed): "
    )
