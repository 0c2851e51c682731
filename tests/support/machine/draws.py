"""What random operations are drawn from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from handoff.words.capabilities import Capabilities, parse_capabilities
from handoff.words.constraints import Not
from handoff.words.function import Collocated
from handoff.words.variants import After

NAMES = st.sampled_from(["a", "b", "c", "d"])

PLAIN_COSTS: list[dict[str, Any]] = [
    {"cpu": 1}, {"cpu": 1}, {"cpu": 1}, {"cpu": 0.5}, {"cpu": 0.5}, {"cpu": 1.5}, {"cpu": 2}, {"cpu": 2}, {},
    {"gpu": 0.25}, {"gpu": 0.5}, {"gpu": 0.7}, {"gpu": 1}, {"gpu": 1}, {"gpu": 2}, {"cpu": 1, "gpu": 1},
    {"cpu": 0.5, "gpu": 0.25}, {"fpga": 0.5}, {"fpga": 1.5}, {"cpu": 1, "fpga": 1},
    {"gpu_memory": 4000}, {"gpu_memory": 6000}, {"gpu_memory": 10000, "cpu": 0.5},
    {"license": 1}, {"license": 1, "cpu": 1}, {"license": 2, "gpu": 1}, {"seat": 0.5}, {"seat": 1, "license": 1},
]  # fmt: skip

COSTS: st.SearchStrategy[Any] = st.sampled_from(PLAIN_COSTS)

LATE_COSTS: st.SearchStrategy[Any] = st.builds(After, st.sampled_from([0.4, 1, 3]), COSTS)

SEVERAL_COSTS: st.SearchStrategy[Any] = st.lists(st.one_of(COSTS, LATE_COSTS), min_size=1, max_size=3)

CALLS: st.SearchStrategy[Any] = st.fixed_dictionaries(
    {
        "cost": st.one_of(COSTS, COSTS, COSTS, SEVERAL_COSTS),
        "node": st.sampled_from([None, None, None, None, None, "a", "d", "z"]),
        "priority": st.sampled_from([0, 0, 0, 1, -1, 5, -5, 1000, -1000]),
        "max_retries": st.sampled_from([0, 1, 1, 3]),
    },
    optional={
        "where": st.sampled_from(
            [
                {}, {"zone": "x"}, {"zone": ["x", "y"]}, {"zone": Not("x")}, {"tier": Not(["spot", "old"])},
                {"zone": "y", "tier": Not("spot")}, {"node": Not("a")}, {"node": ["b", "c", "z"]},
            ]
        ),
        "strategy": st.sampled_from(["load_balanced", "load_balanced", "first_available"]),
        "delay": st.sampled_from([0, 0, 0, 0, 0.4, 1, 3]),
        "wait_ttl": st.sampled_from([0.4, 1, 2, 5]),
        "on_infeasible": st.sampled_from(["wait", "wait", "raise", 0.4, 1, 2]),
    },
)  # fmt: skip

CAPABILITIES: st.SearchStrategy[Any] = st.fixed_dictionaries(
    {"cpu": st.sampled_from([2, 1, 3, 1.5, 0])},
    optional={
        "gpu": st.sampled_from([2, 1, 0, [0, 3], [1], [0, 1, 5]]),
        "fpga": st.sampled_from([1, 1.5, [0], [0, 7]]),
        "slots": st.sampled_from([2, 3, 1, 0]),
        "license": st.just(1),
    },
)

MEMORIES = st.sampled_from([None, 8000, 10000])

LABELS = st.sampled_from(
    [{}, {"zone": "x"}, {"zone": "y"}, {"zone": "x", "tier": "spot"}, {"tier": "spot"}, {"zone": "y", "tier": "new"}]
)

EXTERNALS: st.SearchStrategy[Any] = st.sampled_from(
    [
        None, ({"cpu": 0}, {}), ({"cpu": 0.5}, {}), ({"cpu": 2}, {0: 3000}), ({"cpu": 0.5}, {0: 9000, 1: 4000}),
        ({"cpu": 9}, {0: 10000, 3: 500}),
    ]
)  # fmt: skip
"""What other programs use of the host of an agent."""

PLACES = [None, None, None, "a", "d", Collocated("f"), Collocated("g")]

ENDINGS = st.tuples(st.sampled_from(["ok", "retryable", "final", "killed"]), st.sampled_from([1.0, 0.8, 1.197]))


@dataclass(frozen=True, slots=True)
class Offer:
    """What a node says that it is."""

    capabilities: Mapping[str, Any]
    labels: Mapping[str, str] = field(default_factory=dict)
    memory: Mapping[str, Any] | None = None

    def parsed(self) -> Capabilities:
        return parse_capabilities(self.capabilities, self.memory)


def draw_offer(data: st.DataObject, **least: Any) -> Offer:
    capabilities = {**least, **data.draw(CAPABILITIES)}
    memory: float | None = data.draw(MEMORIES) if capabilities.get("gpu") else None
    return Offer(capabilities, data.draw(LABELS), None if memory is None else {"gpu": memory})
