"""A name that nothing has, and that is spelled nearly like one that there is, is told with that one."""

from __future__ import annotations

from typing import Any

import pytest

from handoff.client.cluster import Cluster
from handoff.errors import Infeasible
from support.explaining import ask, why


@pytest.mark.parametrize(
    ("wants", "told"),
    [
        ({"cost": {"gpus": 1}}, "gpus 1 wanted, a has 0 (did you mean gpu?)"),
        ({"cost": {"CPU": 1}}, "CPU 1 wanted, a has 0 (did you mean cpu?)"),
        ({"cost": {"gpu_memroy": 10}}, "gpu_memroy 10 wanted, a has 0 (did you mean gpu_memory?)"),
        ({"cost": {"licence": 1}}, "licence 1 wanted, a has 0 (did you mean license?)"),
        ({"where": {"zones": "x"}}, "zones x wanted, a has none (did you mean zone?)"),
        # These are there, or like nothing.
        ({"cost": {"cpu": 9}}, "cpu 9 wanted, a has 4"),
        ({"cost": {"gpu": 1}, "node": "b"}, "gpu 1 wanted, b has 0"),
        ({"cost": {"quantum": 1}}, "quantum 1 wanted, a has 0"),
        ({"where": {"zone": "y"}}, "zone y wanted, a has x"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_what_may_be_meant_is_told_by_submit_explain_and_error(
    cluster: Cluster, wants: dict[str, Any], told: str
) -> None:
    cluster.register_node("a", {"cpu": 4, "gpu": 1}, device_memory={"gpu": [8000]}, labels={"zone": "x"})
    cluster.register_node("b", {"disk": 1})
    cluster.share({"license": 1})

    handle = ask(cluster, **wants)
    with pytest.raises(Infeasible) as refused:
        ask(cluster, on_infeasible="raise", **wants)

    assert handle.verdict is not None
    assert handle.verdict.reason == told
    assert f"({told})" in why(cluster, handle).text
    assert refused.value.reason == told


def test_names_of_a_node_that_joins_are_known_from_then_on(cluster: Cluster) -> None:
    cluster.register_node("a", {"cpu": 4})
    first = ask(cluster, cost={"fpgas": 1})
    cluster.register_node("b", {"fpga": [0, 1]})

    assert "did you mean" not in str(first.verdict)
    assert "(did you mean fpga?)" in why(cluster, first).text
