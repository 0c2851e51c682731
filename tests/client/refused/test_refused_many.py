"""Of functions that are submitted together one that breaks a rule keeps all of them out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from handoff.client.cluster import Cluster
from handoff.errors import (
    DuplicateFunction,
    InvalidFunction,
    InvalidNode,
    InvalidResources,
    NotSerializable,
    TooLarge,
)
from handoff.graph.dag import DAG
from handoff.words.function import Function
from support.refused import Opaque, assert_refused, dump, functions, work


class TestMany:
    @pytest.mark.parametrize(
        ("fields", "error"),
        [
            ({"code": lambda: None}, InvalidFunction),
            ({"args": ("f0",)}, InvalidFunction),
            ({"cost": {"cpu": -1}}, InvalidResources),
            ({"node": "a b"}, InvalidNode),
            ({"extra_args": (Opaque(),)}, NotSerializable),
            ({"extra_args": (bytes(9 * 2**20),)}, TooLarge),
            ({"timeout": 0}, InvalidFunction),
        ],
        ids=["code", "args", "cost", "node", "argument", "size", "timeout"],
    )
    def test_one_that_breaks_a_rule_keeps_all_out(self, busy: Cluster, fields: dict[str, Any], error: Any) -> None:
        bad = Function("bad", **{"code": work, **fields})

        assert_refused(busy, lambda cluster: cluster.submit_many([*functions(100), bad]), error)

    @pytest.mark.parametrize(
        ("given", "said"),
        [
            (Function("f", work), "is no list of functions, but a Function: one Function is submitted with submit"),
            (None, "is no list of functions, but a NoneType"),
            ([Function("f", work), None], "is no function, but a NoneType"),
            ([DAG("d")], "is a DAG"),
            ("ab", "is no function, but a str"),
        ],
        ids=["function", "none", "item", "graph", "text"],
    )
    def test_what_is_no_list_of_functions_is_told(self, busy: Cluster, given: Any, said: str) -> None:
        before = dump(busy.connection)

        with pytest.raises(TypeError, match=said):
            busy.submit_many(given)

        assert dump(busy.connection) == before

    def test_job_ids_are_as_many_as_functions_and_no_two_alike(self, busy: Cluster) -> None:
        def submit(*ids: Any) -> Any:
            return lambda cluster: cluster.submit_many(functions(2), job_ids=ids)

        assert_refused(busy, submit("x", "x"), DuplicateFunction, "two functions of one list have the id 'x': give one")
        assert_refused(busy, submit("x", "a b"), InvalidFunction, "'a b'")
        before = dump(busy.connection)
        with pytest.raises(ValueError, match="there are 1 job_ids for 2 functions: give one for each"):
            submit("x")(busy)
        assert dump(busy.connection) == before

    @pytest.mark.parametrize("ids", ["ab", b"ab", 2, True], ids=repr)
    def test_job_ids_that_are_no_list_are_told(self, busy: Cluster, ids: Any) -> None:
        with pytest.raises(TypeError, match=r"job_ids is a .*: give a list of as many texts as there are functions"):
            busy.submit_many(functions(2), job_ids=ids)

    def test_a_list_that_breaks_off_is_not_begun(self, busy: Cluster) -> None:
        def each() -> Iterator[Function]:
            yield from functions(100)
            raise KeyError("no more")

        before = dump(busy.connection)
        with pytest.raises(KeyError):
            busy.submit_many(each())
        assert dump(busy.connection) == before
