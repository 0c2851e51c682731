"""What of a function's cost its task is kept to."""

from __future__ import annotations

from math import inf

import pytest

from handoff_worker.agent.started import Started
from handoff_worker.agent.tasks import Maker
from handoff_worker.children.task import Task
from handoff_worker.machine.own_groups import UNLIMITED, Most

MB = 2**20


@pytest.mark.parametrize(
    ("cost", "enforces", "enforces_cpu", "most"),
    [
        ("cpu=5000,memory=1000000,slots=10000", False, False, UNLIMITED),
        ("cpu=5000,memory=1000000,slots=10000", True, False, Most(164 * MB, inf)),
        ("cpu=5000,memory=1000000,slots=10000", False, True, Most(inf, 0.5)),
        ("cpu=5000,memory=1000000,slots=10000", True, True, Most(164 * MB, 0.5)),
        ("slots=10000", True, True, UNLIMITED),
    ],
)
def test_it_is_kept_to_what_it_has_declared_where_that_is_asked_for(
    cost: str, enforces: bool, enforces_cpu: bool, most: Most
) -> None:
    maker = Maker(
        node="a", worker="w", url="redis://here", has_gpus=False, allow_pickle=False, environ={},
        enforces=enforces, enforces_cpu=enforces_cpu,
    )  # fmt: skip
    task = maker.task(Started("one:1", {b"h_demand": cost.encode()}))

    assert isinstance(task, Task)
    assert task.most == most
