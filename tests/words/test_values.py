"""Numbers, flags and texts of users, looked at before they are reckoned with."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from handoff.errors import UnknownNode, shown
from handoff.words.names import known_name
from handoff.words.values import LONGEST_WAIT_S, check_flag, is_one_of, patience_s

NOT_SECONDS = [math.nan, Decimal("sNaN"), Decimal("NaN"), "5", b"5", True, [], 1j]


class TestPatience:
    @pytest.mark.parametrize(
        ("given", "seconds"),
        [
            (None, math.inf), (math.inf, math.inf), (10**5000, math.inf), (LONGEST_WAIT_S * 2, math.inf), (1, 1.0),
            (0.5, 0.5), (Fraction(1, 2), 0.5), (0, 0.0), (-1, 0.0), (-math.inf, 0.0), (-(10**5000), 0.0),
        ],
        ids=shown,
    )  # fmt: skip
    def test_it_is_seconds_and_none_below_zero(self, given: Any, seconds: float) -> None:
        assert patience_s(given) == seconds

    @pytest.mark.parametrize("given", NOT_SECONDS, ids=shown)
    def test_what_is_no_time_is_told(self, given: Any) -> None:
        with pytest.raises(ValueError, match=r"^timeout is .*: give seconds, or None"):
            patience_s(given)


class TestFlag:
    @pytest.mark.parametrize("given", [True, False])
    def test_it_is_true_or_false(self, given: bool) -> None:
        check_flag("partial", given)

    @pytest.mark.parametrize("given", [0, 1, None, "", "yes", []])
    def test_what_is_neither_is_told(self, given: object) -> None:
        with pytest.raises(ValueError, match=r"^partial is .*: give True or False"):
            check_flag("partial", given)


class TestChoice:
    def test_a_value_that_is_no_text_is_not_compared(self) -> None:
        class Grumpy:
            def __eq__(self, other: object) -> bool:
                raise RuntimeError

            def __hash__(self) -> int:
                raise RuntimeError

        assert not is_one_of(Grumpy(), ("a", "b"))
        assert is_one_of("a", ("a", "b"))


class TestKnown:
    @pytest.mark.parametrize(
        "name", ["", "no name", None, 5, b"a", [], "a" * 129, 10**5000], ids=lambda name: type(name)
    )
    def test_a_name_that_no_node_can_have_is_nobodys(self, name: object) -> None:
        with pytest.raises(UnknownNode, match=r"^no live node is named .*: "):
            known_name(name)
