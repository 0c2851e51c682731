"""Every public call with good arguments, of which each can be bent.

A public name that is not in the table fails the test that goes through it: a new parameter is tried from its first day.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import rq

import handoff
from handoff import DAG, After, Argument, Cluster, Collocated, Function, Not, SimpleAllocator, SimpleResourceTracker
from handoff.books.allocator import LoadBalancedAllocator
from handoff.dashboard import app
from handoff.words.declared import Options
from support.bent_settings import OF_CLUSTER, OF_DASHBOARD, OF_LOCAL, Make, const
from support.refused import work


@dataclass(frozen=True)
class Call:
    """One public call: what is called, of good arguments made anew each time."""

    function: Callable[[Cluster], Callable[..., Any]]
    good: Mapping[str, Make] = field(default_factory=dict)
    #: Their parameters that take any value at all, or of which nothing is looked at.
    free: frozenset[str] = frozenset()
    #: Values that it takes, and makes much of.
    spared: frozenset[str] = frozenset()


def _of_function(call: Callable[[Cluster], Callable[[Function], Any]]) -> Callable[[Cluster], Callable[..., Any]]:
    return lambda cluster: lambda **fields: call(cluster)(Function(**fields))


_FUNCTION: dict[str, Make] = {
    "id": const("f"),
    "code": const(work),
    "args": const(()),
    "extra_args": const((1,)),
    "kwargs": const({"a": 1}),
    "cost": const({"cpu": 1}),
    "node": const("a"),
    "type": const("regular"),
    "argument_inclusion": const("variadic"),
    "max_retries": const(1),
    "timeout": const(60),
    "priority": const(1),
    "duration": const(2.5),
    "strategy": const("load_balanced"),
    "where": const({"zone": "a"}),
    "on_infeasible": const("wait"),
    "delay": const(60),
    "at": const(None),
    "wait_ttl": const(60),
    "unique": const("order-17"),
    "unique_ttl": const(60),
    "isolation": const("fresh"),
    "on_node_loss": const("fail"),
    "on_memory_exceeded": const("grow"),
    "retry_on": const(["ConnectionError"]),
    "dont_retry_on": const(ValueError),
    "retry_after": const([1, 5]),
}


def _of_schedule(cluster: Cluster, call: str) -> Callable[..., Any]:
    cluster.every("nightly", "0 3 * * *", work)
    made: Callable[..., Any] = getattr(cluster, call)
    return made


_AT = {**_FUNCTION, "delay": const(None), "at": const(datetime(2030, 1, 1, tzinfo=UTC))}

_ENQUEUE: dict[str, Make] = {
    **{name: make for name, make in _FUNCTION.items()
       if name not in ("id", "code", "args", "extra_args", "type", "argument_inclusion", "duration")},
    "fn": const(work),
    "args": const((1,)),
    "job_id": const(None),
    "result_ttl": const(500),
    "failure_ttl": const(500),
    "meta": const({"a": 1}),
    "description": const("a call"),
    "depends_on": const(None),
    "on_success": const(work),
    "on_failure": const(work),
    "job_timeout": const(60),
    "durability": const("memory"),
    "replace": const(False),
}  # fmt: skip

_EVERY: dict[str, Make] = {
    **{name: make for name, make in _ENQUEUE.items()
       if name not in ("at", "delay", "depends_on", "durability", "job_id", "job_timeout", "on_infeasible", "replace",
                       "unique", "unique_ttl")},
    "name": const("nightly"),
    "when": const("0 3 * * *"),
    "timezone": const("Europe/Paris"),
    "catch_up": const("last"),
    "overlap": const("skip"),
}  # fmt: skip

_NODE: dict[str, Make] = {
    "name": const("b"),
    "capabilities": const({"cpu": 4, "gpu": 2}),
    "labels": const({"zone": "a"}),
    "device_memory": const({"gpu": 1000}),
}

_DAG: dict[str, Make] = {
    "dag": lambda cluster: DAG().add(Function("f", work)),
    "max_retries": const(3),
    "on_node_loss": const("retry"),
    "on_memory_exceeded": const("grow"),
    "max_concurrency": const(None),
    "timeout": const(60),
    "fail_fast": const(True),
    "reserve": const("ready"),
    "attached": const(False),
    "result_ttl": const(500),
    "failure_ttl": const(500),
    "durability": const("memory"),
}

_CLAIM: dict[str, Make] = {
    "node": const("a"),
    "cost": const({"cpu": 1}),
    "ttl": const(60),
    "owner": const("ci on build-1"),
}


def _simple() -> SimpleResourceTracker:
    tracker = SimpleResourceTracker()
    tracker.register_node("a", {"cpu": 1000, "gpu": 2}, labels={"zone": "a"})
    return tracker


def _ended(cluster: Cluster) -> Any:
    """The handle of a function that has ended: nobody waits for it."""
    handle = cluster.enqueue(work, node="a")
    handle.cancel()
    return handle


def _watch(cluster: Cluster) -> Callable[..., Any]:
    handle = _ended(cluster)
    return lambda timeout: list(handle.watch(timeout))


def _ended_run(cluster: Cluster) -> Any:
    run = cluster.submit_dag(DAG().add(Function("f", work)))
    run.cancel()
    return run


def _trackers(name: str, of: Callable[[Cluster], Any]) -> dict[str, Call]:
    return {
        f"{name}.register_node": Call(lambda c: of(c).register_node, _NODE),
        f"{name}.deregister_node": Call(lambda c: of(c).deregister_node, {"name": const("b")}),
        f"{name}.capabilities": Call(lambda c: of(c).capabilities, {"node": const("a")}),
        f"{name}.available": Call(lambda c: of(c).available, {"node": const("a")}),
        f"{name}.resources_available": Call(
            lambda c: of(c).resources_available, {"node": const("a"), "cost": const({"cpu": 1})}
        ),
        f"{name}.request": Call(lambda c: of(c).request, _CLAIM),
        f"{name}.release": Call(
            lambda c: of(c).release, {"reservation": const(handoff.Reservation("~no", "a", {"cpu": 1}, {}))}
        ),
        f"{name}.allocate_and_claim": Call(
            lambda c: of(c).allocate_and_claim,
            {
                "functions": const([Function("f", work)]),
                "nodes": const(["a"]),
                "ttl": const(60),
                "owner": const("ci on build-1"),
            },
        ),
        f"{name}.allocate_and_claim Function": Call(
            _of_function(lambda c: lambda function: of(c).allocate_and_claim([function])), _FUNCTION
        ),
        f"{name}.release Reservation": Call(
            lambda c: lambda **fields: of(c).release(handoff.Reservation(**fields)),
            {"id": const("~no"), "node": const("a"), "cost": const({"cpu": 1}), "devices": const({})},
        ),
    }


CALLS: dict[str, Call] = {
    "Cluster": Call(lambda c: Cluster, OF_CLUSTER),
    "connect": Call(lambda c: handoff.connect, OF_CLUSTER),
    "Cluster.register_node": Call(lambda c: c.register_node, _NODE),
    "Cluster.deregister_node": Call(lambda c: c.deregister_node, {"name": const("b")}),
    "Cluster.share": Call(lambda c: c.share, {"amounts": const({"license": 5})}),
    "Cluster.drain": Call(lambda c: c.drain, {"node": const("a"), "deadline": const(None)}),
    "Cluster.undrain": Call(lambda c: c.undrain, {"node": const("a")}),
    "Cluster.limit_overtaking": Call(lambda c: c.limit_overtaking, {"count": const(9), "seconds": const(9)}),
    "Cluster.resources_available": Call(
        lambda c: c.resources_available, {"node": const("a"), "cost": const({"cpu": 1})}
    ),
    "Cluster.events": Call(lambda c: c.events, {"after": const(b"0-0"), "block_s": const(None)}),
    "Cluster.submit": Call(lambda c: c.submit, {"function": const(Function("f", work)), "durability": const("memory")}),
    "Cluster.submit Function": Call(_of_function(lambda c: c.submit), _FUNCTION),
    "Cluster.submit Function at": Call(_of_function(lambda c: c.submit), _AT),
    "Cluster.submit_many": Call(
        lambda c: c.submit_many,
        {
            "functions": const([Function("f", work), Function("g", work)]),
            "replace": const(False),
            "job_ids": lambda c: [uuid.uuid4().hex, uuid.uuid4().hex],
            "durability": const("memory"),
        },
    ),
    "Cluster.submit_many Function": Call(_of_function(lambda c: lambda f: c.submit_many([f])), _FUNCTION),
    "Cluster.map": Call(
        lambda c: lambda fn, iterables, **options: c.map(fn, iterables, **options),
        {
            "fn": const(work),
            "iterables": const([1, 2]),
            "kwargs": const({"a": 1}),
            "result_ttl": const(500),
            "failure_ttl": const(500),
            "durability": const("memory"),
        },
        # A function of each character.
        spared=frozenset({"long text"}),
    ),
    "Cluster.map options": Call(
        lambda c: lambda **options: c.map(work, [1], **options),
        {name: make for name, make in _FUNCTION.items() if name in Options.__annotations__},
    ),
    "Cluster.gather": Call(
        lambda c: c.gather,
        {
            "handles": lambda c: [c.handle(_ended(c).id)],
            "timeout": const(1),
            "return_exceptions": const(True),
            "progress": const(False),
        },
    ),
    "Cluster.as_completed": Call(
        lambda c: lambda handles, timeout: list(c.as_completed(handles, timeout)),
        {"handles": lambda c: [c.handle(_ended(c).id)], "timeout": const(1)},
    ),
    "Cluster.handles": Call(lambda c: c.handles, {"ids": lambda c: [_ended(c).id]}),
    "Cluster.cancel": Call(
        lambda c: c.cancel, {"functions": lambda c: [c.handle(_ended(c).id)], "running": const(True)}
    ),
    "Cluster.enqueue": Call(lambda c: c.enqueue, _ENQUEUE),
    "Cluster.enqueue kwargs": Call(lambda c: c.enqueue, {"fn": const(work), "kwargs": const({})}),
    "Cluster.enqueue argument": Call(lambda c: c.enqueue, {"fn": const(work), "argument": const(1)}),
    "Cluster.every": Call(lambda c: lambda name, when, fn, **options: c.every(name, when, fn, **options), _EVERY),
    **{
        f"Cluster.{call}": Call(lambda c, call=call: _of_schedule(c, call), {"name": const("nightly")})  # type: ignore[misc]
        for call in ("pause_schedule", "resume_schedule", "run_schedule", "remove_schedule")
    },
    "Cluster.handle": Call(lambda c: c.handle, {"id": lambda c: _ended(c).id}),
    "Cluster.submit_dag": Call(lambda c: c.submit_dag, _DAG),
    "Cluster.submit_dag Function": Call(_of_function(lambda c: lambda f: c.submit_dag(DAG().add(f))), _FUNCTION),
    "Cluster.submit_dag second": Call(
        _of_function(lambda c: lambda f: c.submit_dag(DAG().add(Function("first", work)).add(f))),
        {**_FUNCTION, "args": const(["first"]), "node": const(Collocated("first"))},
    ),
    "Cluster.execute": Call(
        lambda c: c.execute, {name: make for name, make in _DAG.items() if name != "dag"} | {"dag": lambda c: DAG()}
    ),
    "Cluster.run": Call(lambda c: c.run, {"id": lambda c: _ended_run(c).id}),
    "Cluster.runs": Call(lambda c: c.runs, {"count": const(5)}),
    "Handle.result": Call(lambda c: _ended(c).result, {"timeout": const(0)}),
    "Handle.logs": Call(lambda c: _ended(c).logs, {"follow": const(False)}),
    "Handle.watch": Call(_watch, {"timeout": const(1)}),
    "Handle.stream": Call(lambda c: _ended(c).stream, {"restart": const(False)}),
    "RunHandle.result": Call(lambda c: _ended_run(c).result, {"timeout": const(0), "partial": const(False)}),
    "RunHandle.wait": Call(lambda c: _ended_run(c).wait, {"timeout": const(0)}),
    "RunHandle.handle": Call(lambda c: _ended_run(c).handle, {"function_id": const("f")}),
    "DAG": Call(lambda c: DAG, {"id": const("nightly")}),
    "DAG.add": Call(lambda c: DAG().add, {"function": const(Function("f", work))}),
    "DAG.validate Function": Call(_of_function(lambda c: lambda f: DAG().add(f).validate()), _FUNCTION),
    "dashboard.app": Call(lambda c: app, OF_DASHBOARD),
    "LocalCluster": Call(lambda c: handoff.LocalCluster, OF_LOCAL),
    "SimpleAllocator.allocate": Call(
        lambda c: SimpleAllocator().allocate,
        {
            "functions": const([Function("f", work)]),
            "free": const({"a": {"cpu": 1}}),
            "labels": const({"a": {"zone": "a"}}),
        },
    ),
    "SimpleAllocator": Call(
        lambda c: lambda this_node: SimpleAllocator(this_node).allocate([], {"a": {"cpu": 1}}),
        {"this_node": const("a")},
    ),
    "SimpleAllocator.allocate Function": Call(
        _of_function(lambda c: lambda f: SimpleAllocator().allocate([f], {"a": {"cpu": 1}})), _FUNCTION
    ),
    "SimpleAllocator.allocate free": Call(
        lambda c: lambda free: SimpleAllocator().allocate([Function("f", work)], {"a": free}), {"free": const({})}
    ),
    "SimpleAllocator.allocate free amount": Call(
        lambda c: lambda free: SimpleAllocator().allocate([Function("f", work)], {"a": {"gpu": free}}),
        {"free": const(1)},
    ),
    "SimpleAllocator.allocate labels of one": Call(
        lambda c: lambda labels: SimpleAllocator().allocate([Function("f", work)], {"a": {}}, {"a": labels}),
        {"labels": const({})},
    ),
    "LoadBalancedAllocator.allocate": Call(
        lambda c: LoadBalancedAllocator().allocate,
        {
            "functions": const([Function("f", work)]),
            "free": const({"a": {"cpu": 1}}),
            "labels": const({}),
            "capabilities": const({"a": {"cpu": 1}}),
        },
    ),
    "SimpleResourceTracker": Call(
        lambda c: SimpleResourceTracker, {"clock": const(lambda: 1.0), "strategy": const("first_available")}
    ),
    "RedisResourceTracker": Call(
        lambda c: lambda **given: handoff.RedisResourceTracker(c.store, **given), {"strategy": const("first_available")}
    ),
    **_trackers("Cluster.tracker", lambda c: c.tracker),
    **_trackers("SimpleResourceTracker", lambda c: _simple()),
    # What stands a level deeper.
    "cost of a node": Call(lambda c: lambda value: c.enqueue(work, cost={"cpu": value}), {"value": const(1)}),
    "a cost in a list": Call(lambda c: lambda value: c.enqueue(work, cost=[value]), {"value": const({"cpu": 1})}),
    "After.seconds": Call(
        lambda c: lambda value: c.enqueue(work, cost=[After(value, {"cpu": 1})]), {"value": const(1)}
    ),
    "After.cost": Call(lambda c: lambda value: c.enqueue(work, cost=[After(1, value)]), {"value": const({"cpu": 1})}),
    "where value": Call(lambda c: lambda value: c.enqueue(work, where={"zone": value}), {"value": const("a")}),
    "where Not": Call(lambda c: lambda value: c.enqueue(work, where={"zone": Not(value)}), {"value": const("a")}),
    "where of several": Call(lambda c: lambda value: c.enqueue(work, where={"zone": [value]}), {"value": const("a")}),
    "where name": Call(lambda c: lambda value: c.enqueue(work, where={_key(value): "a"}), {"value": const("zone")}),
    "a cost's name": Call(lambda c: lambda value: c.enqueue(work, cost={_key(value): 1}), {"value": const("cpu")}),
    "a capability's name": Call(
        lambda c: lambda value: c.register_node("b", {_key(value): 1}), {"value": const("cpu")}
    ),
    "a capability": Call(lambda c: lambda value: c.register_node("b", {"cpu": value}), {"value": const(1)}),
    "devices": Call(lambda c: lambda value: c.register_node("b", {"gpu": value}), {"value": const(1)}),
    "an index": Call(lambda c: lambda value: c.register_node("b", {"gpu": [value]}), {"value": const(1)}),
    "a label": Call(lambda c: lambda value: c.register_node("b", {}, labels={"zone": value}), {"value": const("a")}),
    "a label's name": Call(
        lambda c: lambda value: c.register_node("b", {}, labels={_key(value): "a"}), {"value": const("a")}
    ),
    "the memory of a device": Call(
        lambda c: lambda value: c.register_node("b", {"gpu": 1}, device_memory={"gpu": value}), {"value": const(1000)}
    ),
    "the memory of one device": Call(
        lambda c: lambda value: c.register_node("b", {"gpu": 1}, device_memory={"gpu": [value]}),
        {"value": const(1000)},
    ),
    "the memory by index": Call(
        lambda c: lambda value: c.register_node("b", {"gpu": 1}, device_memory={"gpu": {0: value}}),
        {"value": const(1000)},
    ),
    "a shared amount": Call(lambda c: lambda value: c.share({"license": value}), {"value": const(5)}),
    "one of the functions": Call(
        lambda c: lambda value: c.tracker.allocate_and_claim([value]), {"value": const(Function("f", work))}
    ),
    "one of the nodes": Call(
        lambda c: lambda value: c.tracker.allocate_and_claim([Function("f", work)], ["a", value]),
        {"value": const("b")},
    ),
    "an argument": Call(
        lambda c: lambda value: c.submit_dag(DAG().add(Function("f", work, args=[value]))), {"value": const("f")}
    ),
    "Argument": Call(
        lambda c: (
            lambda **given: c.submit_dag(
                DAG().add(Function("f", work)).add(Function("g", work, args=[Argument(**given)]))
            )
        ),
        {"id": const("f"), "serialize": const((work, 1)), "deserialize": const((work, 1))},
    ),
    "a constant of an Argument": Call(
        lambda c: (
            lambda value: c.submit_dag(
                DAG().add(Function("f", work)).add(Function("g", work, args=[Argument("f", (work, value))]))
            )
        ),
        {"value": const(1)},
    ),
    "Collocated": Call(
        lambda c: (
            lambda value: c.submit_dag(DAG().add(Function("f", work)).add(Function("g", work, node=Collocated(value))))
        ),
        {"value": const("f")},
    ),
    "Collocated claimed": Call(
        lambda c: lambda value: c.tracker.allocate_and_claim([Function("f", work, node=Collocated(value))]),
        {"value": const("f")},
    ),
    "callback": Call(
        lambda c: lambda **given: c.enqueue(work, on_failure=_callback(**given)),
        {"func": const("tasks:told"), "timeout": const(60)},
    ),
    "what an allocator answers": Call(
        lambda c: lambda value: _asking(c, lambda *_: value).submit(Function("f", work)), {"value": const({})}
    ),
    "where an allocator puts a function": Call(
        lambda c: lambda value: _asking(c, lambda *_: {"f": value}).submit(Function("f", work)), {"value": const("a")}
    ),
}


def _callback(func: Any, timeout: Any) -> rq.Callback:
    """Not by its own constructor, which has rules of its own."""
    callback = rq.Callback("tasks:told")
    callback.func, callback.timeout = func, timeout
    return callback


def _key(value: Any) -> Any:
    """The value, if a mapping can have such a key at all."""
    try:
        hash(value)
    except Exception:
        return "cpu"
    return value


class _Answering:
    def __init__(self, answer: Callable[..., Any]) -> None:
        self.allocate = answer


def _asking(cluster: Cluster, answer: Callable[..., Any]) -> Cluster:
    return Cluster(connection=cluster.connection, namespace=cluster.namespace, allocator=_Answering(answer))
