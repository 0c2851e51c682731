"""What a cluster is made with is checked before it is made, and said in a line."""

from __future__ import annotations

import pytest

from handoff.errors import InvalidNode, InvalidResources
from handoff.testing import ClusterHere, cluster


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ({"nodez": {}}, TypeError, "there is no setting 'nodez': did you mean nodes"),
        ({"quiet": True}, TypeError, "there is no setting 'quiet': there are nodes"),
        ({"nodes": ["a"]}, TypeError, "nodes is .*: give a mapping by node"),
        ({"nodes": {"a": {"cpu": "two"}}}, InvalidResources, "'cpu' with value 'two'"),
        ({"nodes": {"a": {"cpu": 1}}, "labels": {"x": {"zone": "eu"}}}, InvalidNode, "'x'.*add it to nodes"),
    ],
)
def test_a_setting_that_is_none_is_refused_before_anything_is_made(
    given: dict[str, object], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        cluster(**given)  # type: ignore[arg-type]


def test_a_cluster_that_is_not_entered_says_where_it_is() -> None:
    with pytest.raises(AttributeError, match="stands after `as`"):
        cluster().enqueue("math:sqrt", 4)


@pytest.mark.handoff(nodes={"a": {"cpu": 1}}, labels={"a": {"zone": "eu"}}, default_cost={"cpu": 1})
class TestMarkers:
    @pytest.mark.handoff(labels={"a": {"zone": "us"}})
    def test_each_keyword_is_that_of_the_nearest_marker_that_has_it(self, handoff_cluster: ClusterHere) -> None:
        assert handoff_cluster.discover_nodes() == {"a": {"cpu": 1}}
        assert handoff_cluster.enqueue("math:sqrt", 4, where={"zone": "us"}).status == "queued"

    @pytest.mark.handoff(nodes={"b": {"cpu": 1}})
    def test_labels_go_with_their_nodes(self, handoff_cluster: ClusterHere) -> None:
        assert handoff_cluster.enqueue("math:sqrt", 4, where={"zone": "eu"}).status == "waiting"
