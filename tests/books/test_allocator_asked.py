"""What a user gives as an allocator, and what one answers, is looked at before it is used."""

from __future__ import annotations

from typing import Any

import pytest

from handoff.books.allocator import LoadBalancedAllocator, SimpleAllocator, check_allocator, check_answer
from handoff.errors import InvalidNode
from support.placing import function


class TestAllocator:
    def test_none_and_whoever_allocates_is_taken(self) -> None:
        simple = SimpleAllocator()

        assert check_allocator(None) is None
        assert check_allocator(simple) is simple

    @pytest.mark.parametrize("given", [5, "first_available", object(), [], lambda functions, free: {}])
    def test_what_cannot_allocate_is_refused(self, given: Any) -> None:
        with pytest.raises(ValueError, match=r"^allocator is .*: give an object with allocate\(functions, free\)"):
            check_allocator(given)


class TestAnswer:
    def test_a_name_that_no_node_can_have_is_passed_over(self) -> None:
        assert check_answer({"f": "a", "g": "no name", "h": "", "i": None, "j": "x" * 129}) == {"f": "a"}

    @pytest.mark.parametrize("answer", [None, 5, "a", ["a"], {1}])
    def test_what_is_no_mapping_is_told(self, answer: Any) -> None:
        with pytest.raises(ValueError, match=r"^the allocator answered .*: let it return a mapping"):
            check_answer(answer)

    @pytest.mark.parametrize("node", [5, b"a", ["a"], True])
    def test_a_node_that_is_no_text_is_told(self, node: Any) -> None:
        with pytest.raises(ValueError, match=r"^the allocator named the node .*: let it name nodes"):
            check_answer({"f": node})


class TestGiven:
    @pytest.mark.parametrize("given", [5, "a", [("a", {})]])
    def test_what_is_free_is_a_mapping_by_node(self, given: Any) -> None:
        with pytest.raises(ValueError, match=r"^free is .*: give a mapping by node"):
            SimpleAllocator().allocate([function("f")], given)

    def test_it_names_nodes(self) -> None:
        with pytest.raises(InvalidNode):
            SimpleAllocator().allocate([function("f")], {"no name": {}})

    def test_this_node_is_a_name(self) -> None:
        with pytest.raises(InvalidNode):
            SimpleAllocator("no name").allocate([function("f")], {"a": {}})

    def test_capabilities_are_a_mapping_by_node(self) -> None:
        with pytest.raises(ValueError, match=r"^capabilities is 5"):
            LoadBalancedAllocator().allocate([function("f")], {"a": {}}, capabilities=5)  # type: ignore[arg-type]
