"""A call that its function cannot take is told before it is submitted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from handoff.errors import InvalidFunction
from handoff.words.checked import Checks, check, check_in_dag
from handoff.words.function import Function
from support import fitting_tasks
from support.fitting_tasks import Model, anything, only_named, resize, wrapped

CHECKS: list[Callable[[Function], object]] = [check, Checks().check]


@pytest.fixture(params=CHECKS, ids=["one", "many"])
def checks(request: pytest.FixtureRequest) -> Callable[[Function], object]:
    """What reads a function that stands alone."""
    read: Callable[[Function], object] = request.param
    return read


@pytest.mark.parametrize(
    ("code", "args", "kwargs", "what"),
    [
        (resize, (), {}, "resize is called without path, sizes"),
        (resize, ("a",), {}, "resize is called without sizes"),
        (resize, ("a",), {"quality": 3}, "resize is called without sizes"),
        (resize, ("a", 1, 2, 3), {}, "resize takes 3 arguments by position, and is given 4"),
        (resize, ("a", 1), {"sizes": 2}, "resize is given sizes by position and by keyword"),
        (resize, (), {"path": "a", "sizes": 1}, "resize is called without path"),
        (only_named, (), {}, "only_named is called without path"),
        (Model.fit, (), {}, "Model.fit is called without epochs"),
        (Model.fit, (1, 2), {}, "Model.fit takes 2 arguments by position, and is given 3"),
    ],
)
def test_what_is_missing_or_too_much_is_named(
    checks: Callable[[Function], object], code: Any, args: tuple[object, ...], kwargs: dict[str, object], what: str
) -> None:
    for _ in range(2):
        with pytest.raises(InvalidFunction) as caught:
            checks(Function("f", code, extra_args=args, kwargs=kwargs))

        assert caught.value.what == what


@pytest.mark.parametrize(
    ("code", "args", "kwargs"),
    [
        (resize, ("a", 1), {}),
        (resize, ("a",), {"sizes": 1}),
        (resize, ("a", 1), {"of another version": 1}),
        (only_named, (), {"path": "a"}),
        (anything, (1, 2, 3), {"more": 1}),
        (wrapped, (1, 2, 3), {}),
        (Model.fit, (1,), {}),
        (Model, (), {}),
        ("support.fitting_tasks:resize", (), {}),
    ],
)
def test_what_its_function_may_take_is_taken(
    checks: Callable[[Function], object], code: Any, args: tuple[object, ...], kwargs: dict[str, object]
) -> None:
    for _ in range(2):
        checks(Function("f", code, extra_args=args, kwargs=kwargs))


def test_after_a_call_that_fits_one_that_does_not_is_refused() -> None:
    checks = Checks()
    checks.check(Function("f", resize, extra_args=("a", 1)))

    with pytest.raises(InvalidFunction, match="without sizes"):
        checks.check(Function("g", resize, extra_args=("a",)))


def test_in_a_graph_results_may_come_as_arguments() -> None:
    check_in_dag(Function("f", fitting_tasks.resize, args=["g"]))
    Checks().check_in_dag(Function("f", fitting_tasks.resize, args=["g"]))
