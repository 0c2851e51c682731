"""What nodes and namespaces may be called."""

from __future__ import annotations

import pytest

from handoff.errors import InvalidNode
from handoff.words.names import check_namespace, check_node_name


class TestNames:
    @pytest.mark.parametrize("name", ["a", "node1@example.com", "A-Z_0.9", "a" * 128, "-"])
    def test_a_node_may_be_called(self, name: str) -> None:
        assert check_node_name(name) == name

    @pytest.mark.parametrize(
        "name", ["", "a" * 129, "a b", "a,b", "a:b", "a/b", "a\n", "ä", "٣", None, 5, b"a"], ids=repr
    )
    def test_a_node_may_not_be_called(self, name: object) -> None:
        with pytest.raises(InvalidNode) as caught:
            check_node_name(name)

        assert caught.value.name == name

    @pytest.mark.parametrize("name", ["handoff", "A-Z_09", "a" * 64])
    def test_a_namespace_may_be_called(self, name: str) -> None:
        assert check_namespace(name) == name

    @pytest.mark.parametrize("name", ["", "a" * 65, "a.b", "a@b", "a b", "a:b", "a\n", "ä", None, 5], ids=repr)
    def test_a_namespace_may_not_be_called(self, name: object) -> None:
        with pytest.raises(InvalidNode):
            check_namespace(name)
