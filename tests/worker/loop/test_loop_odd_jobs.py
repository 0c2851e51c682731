"""Whatever is written into a job's hash before an agent takes it: the agent goes on."""

from __future__ import annotations

import logging
import uuid
from typing import Any

import fakeredis
import pytest
import redis

from handoff.client.cluster import Cluster
from handoff_worker.agent.tasks import Maker
from support.agent_loop import Loop
from support.events import node_of
from support.odd_jobs import BENT, FIELDS_OF_JOBS, bend, look_at

ROUNDS = 6


def loop_of(cluster: Cluster, patch: pytest.MonkeyPatch) -> Loop:
    loop = Loop(cluster, patch, slots=3)
    loop.children.returns_at_once = True
    maker = Maker(node="a", worker="w", url="redis://here", has_gpus=True, allow_pickle=False, environ={})
    patch.setattr(loop.agent._functions, "_maker", maker)
    return loop


def go_on(loop: Loop) -> None:
    for _ in range(ROUNDS):
        loop.pass_s(1.0)
        loop.step(3)


def held(cluster: Cluster) -> dict[str, int]:
    """What of the node is taken, by its books and by the records of who has it."""
    client: Any = cluster.connection
    records = dict.fromkeys(client.hkeys(cluster.store.keys("reservations", "a")), 1)
    return {**records, **{name: units for name, units in node_of(cluster, "a").used.items() if units}}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("connection", "name"), [("fake", "x"), *(("real", name) for name in BENT)], indirect=["connection"]
)
def test_a_function_whose_job_was_altered_on_the_queue_ends_no_agent_and_the_next_one_runs(
    connection: redis.Redis, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    # On fakeredis, which takes the tenfold, some of them.
    for field in FIELDS_OF_JOBS[:: 5 if isinstance(connection, fakeredis.FakeRedis) else 1]:
        caplog.clear()
        with (
            Cluster(connection=connection, namespace=f"t{uuid.uuid4().hex[:12]}") as cluster,
            monkeypatch.context() as patch,
        ):
            loop = loop_of(cluster, patch)
            odd = cluster.enqueue("tasks:work", node="a", max_retries=0)
            bend(cluster, odd.id, field, BENT[name])

            go_on(loop)
            good = cluster.enqueue("tasks:work", max_retries=0)
            go_on(loop)

            assert good.status == "finished", field
            look_at(cluster, odd)
            assert held(cluster) == {}, field
            assert not [record for record in caplog.records if record.levelno >= logging.ERROR], field
        connection.flushdb()
