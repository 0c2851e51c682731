"""A small graph, and an agent that plays it."""

from __future__ import annotations

from handoff import DAG, Function
from support.agent import FakeAgent, ok


def pipeline(id: str) -> DAG:
    one_cpu = {"cpu": 1}
    return (
        DAG(id)
        .add(Function("load", "tasks:f", cost=one_cpu))
        .add(Function("half", "tasks:f", args=["load"], type="inline"))
        .add(Function("train", "tasks:f", args=["half"], cost=one_cpu, max_retries=0))
        .add(Function("check", "tasks:f", args=["load"], cost=one_cpu))
        .add(Function("report", "tasks:f", args=["train", "check"]))
    )


def finish_next(agent: FakeAgent) -> None:
    (started,) = agent.take(1)
    agent.finish(ok(started.id))
