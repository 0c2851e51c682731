"""The rules for functions."""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from handoff.errors import InvalidFunction, InvalidNode, InvalidResources
from handoff.words.checked import check
from handoff.words.constraints import Not
from handoff.words.function import Collocated
from handoff.words.variants import After
from support.functions import function


class TestCheck:
    @pytest.mark.parametrize(
        "fields",
        [
            {},
            {"code": "package.module:Class.method"},
            {"id": "any text: it is the user's"},
            {"code": "tasks:f", "extra_args": [1, 2], "kwargs": {"a": 1}, "args": []},
            {"cost": {"cpu": 1.5, "gpu": 0.5, "memory": Decimal(100)}},
            {"cost": {}},
            {"node": "node1@example.com"},
            {"argument_inclusion": "as_list"},
            {"max_retries": 0},
            {"max_retries": 7},
            {"timeout": 0.001},
            {"timeout": Fraction(1, 3)},
            {"priority": -1000},
            {"priority": 1000},
            {"duration": 0},
            {"duration": 1.5},
            {"cost": [{"gpu": 1}, After(30, {"cpu": 8})]},
            {"cost": ({"gpu_memory": 6000},)},
            {"strategy": "first_available"},
            {"strategy": "load_balanced"},
            {"isolation": "fresh"},
            {"on_node_loss": "retry"},
            {"on_node_loss": "fail"},
            {"on_memory_exceeded": "grow"},
            {"where": {}},
            {"where": {"zone": "a", "gpu_model": ["A100", "H100"], "tier": Not("spot")}},
            {"node": "a", "where": {"node": ["a", "b"]}},
            {"on_infeasible": "raise"},
            {"on_infeasible": 0.5},
            {"on_infeasible": 10**9},
            {"delay": 0},
            {"delay": 0.0},
            {"delay": Fraction(1, 3)},
            {"delay": timedelta(0)},
            {"delay": timedelta(days=300)},
            {"at": datetime(2001, 1, 1)},
            {"at": datetime(2101, 1, 1, tzinfo=UTC)},
            {"at": datetime(1, 1, 2, tzinfo=UTC)},
            {"wait_ttl": 0.001},
            {"wait_ttl": 10**9},
            {"max_retries": 1, "retry_on": OSError},
            {"max_retries": 1, "retry_on": ["OSError", ConnectionError, "package.module:Outer.Error"]},
            {"max_retries": 1, "dont_retry_on": (KeyboardInterrupt,)},
            {"max_retries": 1, "retry_after": 0},
            {"max_retries": 1, "retry_after": [0, 0.5, Fraction(1, 3), 10**9]},
        ],
        ids=repr,
    )
    def test_a_function_within_the_rules_passes(self, fields: dict[str, Any]) -> None:
        check(function(**fields))

    @pytest.mark.parametrize(
        "fields",
        [
            {"id": ""},
            {"id": 5},
            {"id": None},
            {"args": ["g"]},
            {"args": "g"},
            {"args": None},
            {"extra_args": "text"},
            {"extra_args": 5},
            {"kwargs": [("a", 1)]},
            {"kwargs": {1: 1}},
            {"kwargs": None},
            {"node": Collocated("g")},
            {"type": "inline"},
            {"type": "lazy"},
            {"type": None},
            {"argument_inclusion": "dict"},
            {"max_retries": -1},
            {"max_retries": True},
            {"max_retries": 1.0},
            {"max_retries": "1"},
            {"timeout": 0},
            {"timeout": 2**31},
            {"timeout": 10**400},
            {"timeout": -1},
            {"timeout": True},
            {"timeout": math.nan},
            {"timeout": math.inf},
            {"timeout": "5"},
            {"priority": 1001},
            {"priority": -1001},
            {"priority": 1.0},
            {"priority": True},
            {"priority": None},
            {"duration": -1},
            {"duration": math.nan},
            {"duration": math.inf},
            {"duration": False},
            {"duration": "1"},
            {"code": lambda: 1},
            {"code": "no_colon"},
            {"strategy": "best"},
            {"strategy": ""},
            {"strategy": ["load_balanced"]},
            {"isolation": "cold"},
            {"isolation": None},
            {"isolation": ["fresh"]},
            {"on_node_loss": "wait"},
            {"on_node_loss": ""},
            {"on_node_loss": ["fail"]},
            {"on_memory_exceeded": "retry"},
            {"on_memory_exceeded": ["grow"]},
            {"where": "zone=a"},
            {"where": {"zone": []}},
            {"where": {"zone": 1}},
            {"on_infeasible": "fail"},
            {"on_infeasible": None},
            {"on_infeasible": 0},
            {"on_infeasible": -1},
            {"on_infeasible": True},
            {"on_infeasible": math.inf},
            {"on_infeasible": math.nan},
            {"on_infeasible": 10**9 + 1},
            {"delay": -0.001},
            {"delay": timedelta(seconds=-1)},
            {"delay": timedelta.max},
            {"delay": math.inf},
            {"delay": math.nan},
            {"delay": False},
            {"delay": True},
            {"delay": "1"},
            {"delay": 1, "at": datetime(2101, 1, 1)},
            {"delay": 0, "at": datetime(2101, 1, 1)},
            {"at": 4_000_000_000},
            {"at": date(2101, 1, 1)},
            {"at": "2101-01-01"},
            {"at": datetime.max.replace(tzinfo=timezone(timedelta(hours=-1)))},
            {"wait_ttl": 0},
            {"wait_ttl": -1},
            {"wait_ttl": True},
            {"wait_ttl": math.inf},
            {"wait_ttl": math.nan},
            {"wait_ttl": timedelta(seconds=1)},
            {"wait_ttl": 10**9 + 1},
            {"max_retries": 1, "retry_on": ()},
            {"max_retries": 1, "retry_on": int},
            {"max_retries": 1, "retry_on": OSError()},
            {"max_retries": 1, "retry_on": {OSError}},
            {"max_retries": 1, "retry_on": ""},
            {"max_retries": 1, "retry_on": "not a name"},
            {"max_retries": 1, "retry_on": "a,b"},
            {"max_retries": 1, "retry_on": "e" * 256},
            {"max_retries": 1, "retry_on": ["OSError"] * 101},
            {"max_retries": 1, "dont_retry_on": [OSError, 5]},
            {"max_retries": 1, "retry_after": -1},
            {"max_retries": 1, "retry_after": []},
            {"max_retries": 1, "retry_after": True},
            {"max_retries": 1, "retry_after": [1, math.nan]},
            {"max_retries": 1, "retry_after": 10**9 + 1},
            {"max_retries": 1, "retry_after": [1] * 101},
            {"retry_on": OSError},
            {"dont_retry_on": OSError},
            {"max_retries": 0, "retry_after": 1},
        ],
        # Without addresses: processes that share a run must agree on the names.
        ids=lambda fields: re.sub(r" at 0x[0-9a-f]+", "", repr(fields)),
    )
    def test_a_function_outside_the_rules_is_refused(self, fields: dict[str, Any]) -> None:
        with pytest.raises(InvalidFunction):
            check(function(**fields))

    @pytest.mark.parametrize("name", ["", "a b", "a,b", "a\n", "ä", "a" * 129, 5, b"a", ["a"]], ids=repr)
    def test_a_pin_that_no_node_can_be_named_is_refused(self, name: object) -> None:
        with pytest.raises(InvalidNode):
            check(function(node=name))

    @pytest.mark.parametrize(
        "cost",
        [{"gpu": 1.5}, {"gpu": 1, "gpu_memory": 100}, [], [{"gpu": 1}, {"gpu": 1.5}], [After(0, {"gpu": 1})]],
        ids=repr,
    )
    def test_a_cost_outside_the_rules_is_refused(self, cost: Any) -> None:
        with pytest.raises(InvalidResources):
            check(function(cost=cost))

    def test_the_error_names_the_function(self) -> None:
        with pytest.raises(InvalidFunction) as caught:
            check(function(id="resize", priority=5000))

        assert caught.value.function_id == "resize"
        assert str(caught.value) == "function 'resize': its priority is 5000: give an int from -1000 to 1000"
