"""Every public call, with each argument bent in every way: one clear sentence, or it is taken for what it is."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

import handoff
from handoff import Cluster, Function, Handle, Reservation, RunHandle
from handoff.dashboard import app
from support.bent import CALLS, Call
from support.bent_values import BENT
from support.fuzz.judge import LOOKING, fault_of

ELSEWHERE = {"store", "connection", "self"}
"""Parameters that take an object of ours or of redis-py's."""

INNER = {"Cluster.beside"}
"""What is called by our own packages alone."""


def undo(cluster: Cluster, made: object) -> None:
    if isinstance(made, (Handle, RunHandle)):
        made.cancel()
    if isinstance(made, list) and all(isinstance(each, Handle) for each in made):
        cluster.cancel(made)
    if isinstance(made, Reservation):
        cluster.tracker.release(made)


@pytest.mark.parametrize("name", CALLS)
def test_a_bent_argument_is_told_before_anything_is_asked(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    cluster.register_node("a", {"cpu": 1000, "gpu": 2}, labels={"zone": "a"})
    asked: list[str] = []
    run = cluster.store.run_noting

    def run_noting(script: str, *rest: Any, **arguments: Any) -> Any:
        asked.append(script)
        return run(script, *rest, **arguments)

    monkeypatch.setattr(cluster.store, "run_noting", run_noting)
    faults = []
    call: Call = CALLS[name]
    for parameter in call.good:
        for how, value in BENT.items():
            if how in call.spared:
                continue
            arguments = {each: make(cluster) for each, make in call.good.items()} | {parameter: value}
            function = call.function(cluster)
            asked.clear()
            try:
                made = function(**arguments)
            except Exception as error:
                fault = fault_of(error)
                if not fault and asked and not isinstance(error, LOOKING):
                    fault = f"{type(error).__name__} after {asked}"
                if fault:
                    faults.append(f"{parameter} = {how}: {fault}")
            else:
                undo(cluster, made)

    assert not faults


def test_every_parameter_of_every_public_call_is_bent() -> None:
    known: dict[str, set[str]] = {}
    for name, call in CALLS.items():
        known.setdefault(name.partition(" ")[0], set()).update(call.good)
    known["Cluster.tracker"] = set()
    missing = []
    for kind in (Cluster, Handle, RunHandle, handoff.DAG, handoff.LocalCluster, handoff.SimpleResourceTracker,
                 handoff.RedisResourceTracker, handoff.SimpleAllocator):  # fmt: skip
        prefix = "Cluster.tracker" if kind is handoff.RedisResourceTracker else kind.__name__
        for method, function in inspect.getmembers(kind, inspect.isfunction):
            if method == "__init__" and kind not in (Handle, RunHandle):
                key = kind.__name__
            elif method.startswith("_") or f"{prefix}.{method}" in INNER:
                continue
            else:
                key = f"{prefix}.{method}"
            wanted = {
                parameter.name
                for parameter in inspect.signature(function).parameters.values()
                if parameter.name not in ELSEWHERE and parameter.kind is not inspect.Parameter.VAR_KEYWORD
            }
            missing += [f"{key}({each})" for each in sorted(wanted - known.get(key, set()))]
    missing += [f"app({each})" for each in sorted(set(inspect.signature(app).parameters) - known["dashboard.app"])]
    fields = set(inspect.signature(Function).parameters) - known.get("Cluster.submit", set())

    assert missing == []
    assert fields == set()
