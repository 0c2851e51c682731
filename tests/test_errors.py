"""Every error keeps its fields on the way between processes, and says what to do."""

from __future__ import annotations

import copy
import inspect
import pickle
import types
import typing
from collections.abc import Mapping

import pytest

from handoff import errors
from handoff.errors import HandoffError

EXAMPLES: dict[object, object] = {str: "some text", int: 3, float: 2.5, object: 1.5, Mapping: {"cpu": 1.5, "gpu": 1}}
ERRORS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, HandoffError) and kind is not HandoffError
]


def examples_of(hint: object) -> list[object]:
    """One value for each kind that a field may be of."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return [value for part in typing.get_args(hint) for value in examples_of(part)]
    if hint is type(None):
        return [None]
    return [EXAMPLES[typing.get_origin(hint) or hint]]


def built(kind: type[HandoffError]) -> list[HandoffError]:
    """Errors of this kind: each field in turn takes all its examples, the others their first."""
    hints = typing.get_type_hints(kind.__init__)
    fields = {name: examples_of(hints[name]) for name in list(inspect.signature(kind).parameters)}
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
        error = built(kind)[0]

        assert set(vars(error)) == set(inspect.signature(kind).parameters)

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
