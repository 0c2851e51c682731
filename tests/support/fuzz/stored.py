"""Arbitrary bytes in what an agent reads: jobs on its queue, its node, its channel for commands, a call in a child."""

from __future__ import annotations

import json
import logging
import random
import traceback
import uuid
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import msgpack
import pytest
import redis

from handoff import DAG, Argument, Cluster, Collocated, Function, Handle
from handoff.errors import HandoffError
from handoff.serializer import Serializer
from handoff_worker.agent import hints
from handoff_worker.agent.tasks import Maker
from handoff_worker.children.outcome import read_outcome
from handoff_worker.children.task import Task
from handoff_worker.inside.execution import execute
from handoff_worker.inside.telling import Telling
from handoff_worker.inside.wire import pack
from support.agent_loop import Loop
from support.children import entry, graph, inline, inline_function, inputs, result, task, transform
from support.events import node_of
from support.fuzz import values
from support.fuzz.serialized import changed, packed
from support.odd_jobs import FIELDS_OF_JOBS, look_at

ALLOW = ("child_tasks:call", "child_tasks:length", "child_tasks:tell_nobody")
"""Whatever is called by chance, it is one of these."""

_CALLS: tuple[Callable[[], Task], ...] = (
    lambda: task("call", 1, b"abc", {"a": (1, 2.5)}, allow=ALLOW, timeout=60),
    lambda: task("call", on_success="call", on_failure="call", allow=ALLOW, hash={"meta": Serializer.dumps({"a": 1})}),
    lambda: task("call", kind="on_failure", on_failure="call", exception_type="ValueError", message="m", allow=ALLOW),
    lambda: task("call", serializer="unread", kind="on_failure", on_failure="call", allow=ALLOW),
    lambda: task(
        "call",
        hash=graph(
            inputs(
                result(1, deserialize=transform("call", 5)),
                inline(0, serialize=transform("call")),
                inlines=[inline_function("call", result(2), extra=[1], key=2)],
            ),
            [transform("call", 1)],
        ),
        inputs={1: entry([1, (2, 3)]), 2: entry(b"four")},
        allow=ALLOW,
    ),
)

_TASKS: list[Task] = []

_AWAY = redis.Redis(port=1)

_COMMANDS = ("stop-job", "shutdown", "kill-horse", hints.WORK, hints.BEAT, "handoff-echo")

_NODE_FIELDS = (
    "position", "epoch", "state", "kind", "incarnation", "holder", "lease_ms", "op", "op_reply", "cap:slots",
    "used:slots", "over", "quiet", "draining", "hold", "class", "cordoned", "cause", "blamed", "reason", "labels",
    "external", "external_devices", "dev:gpu",
)  # fmt: skip


def bytes_for(chance: random.Random, was: bytes) -> bytes:
    """Bytes to stand in place of others."""
    how = chance.randrange(8)
    if how < 4:
        return changed(chance, was)
    if how == 4:
        return packed(chance)
    if how == 5:
        return values.word(chance).encode("utf-8", "surrogatepass")
    if how == 6:
        return str(values.number(chance)).encode()
    return chance.randbytes(chance.randrange(40))


def try_child(chance: random.Random) -> str:
    """Have a call made of which some was changed. -> what is wrong with what came of it"""
    if not _TASKS:
        _TASKS.extend(make() for make in _CALLS)
    made = chance.choice(_TASKS)
    job = dict(made.job)
    for name in chance.sample(list(job), 1 + int(chance.random() ** 3 * 3)):
        job[name] = _bent_field(chance, name, job[name])
    if chance.random() < 0.1:
        del job[chance.choice(list(job))]
    entries = {number: dict(each) for number, each in made.inputs.items()}
    if entries and chance.random() < 0.3:
        of = chance.choice(list(entries.values()))
        name = chance.choice(list(of))
        of[name] = bytes_for(chance, of[name])
    packed = Task(**{**{name: getattr(made, name) for name in made._fields}, "job": job, "inputs": entries}).packed()
    outcome = execute(msgpack.unpackb(packed), lambda settings: _AWAY, lambda: None, Telling(lambda frame: None))
    beside = {"kept": 0, "took": 0.0, "cpu": 0.0, "memory": 0, "spent": False, "left": False}
    sent = msgpack.unpackb(pack({"id": made.id, **outcome, **beside}))
    read_outcome(sent, made.id)
    if outcome["kind"] == "failed" and "Traceback" in str(outcome["message"]):
        return f"its message is a traceback: {outcome['message']}"
    return ""


def _bent_field(chance: random.Random, name: bytes, was: bytes) -> bytes:
    if name != b"data":
        return bytes_for(chance, was)
    # One that is tiny is no zlib.
    with suppress(zlib.error):
        was = zlib.decompress(was)
    return zlib.compress(bytes_for(chance, was)) if chance.random() < 0.8 else bytes_for(chance, was)


class AgentPlace:
    """An agent's loop without processes, with jobs on its queue that are changed before it takes them."""

    def __init__(self, connection: redis.Redis) -> None:
        self._connection: Any = connection

    def try_one(self, chance: random.Random) -> tuple[str, str]:
        """Change something that it reads, and let it go on. -> what it was, and what is wrong with what came of it"""
        if chance.random() < 0.5:
            return "a call", _fault(lambda: try_child(chance))
        self._connection.flushdb()
        with (
            Cluster(connection=self._connection, namespace=f"t{uuid.uuid4().hex[:12]}") as cluster,
            pytest.MonkeyPatch.context() as patch,
            _errors_logged() as logged,
        ):
            loop = Loop(cluster, patch, slots=3)
            loop.children.returns_at_once = True
            maker = Maker(node="a", worker="w", url="redis://here", has_gpus=True, allow_pickle=False, environ={})
            patch.setattr(loop.agent._functions, "_maker", maker)
            said = chance.choice((*[self._bend_job] * 5, self._bend_node, self._say, self._push))(chance, cluster, loop)
            try:
                self._go_on(loop)
                good = cluster.enqueue("tasks:work", max_retries=0)
                self._go_on(loop)
                cluster.discover_nodes()
                if not said.startswith("a node"):
                    self._check_rest(cluster, good)
                    said = self._end_with(chance, cluster, loop)
            except Exception as error:
                return said, f"{type(error).__name__} {error} in {traceback.extract_tb(error.__traceback__)[-1]}"
            return said, f"an error in the log: {logged[0]}" if logged else ""

    def _end_with(self, chance: random.Random, cluster: Cluster, loop: Loop) -> str:
        """End the agent while it runs a function of which something was changed before it began."""
        loop.children.returns_at_once = False
        odd = cluster.enqueue("tasks:work", node="a", max_retries=chance.choice((0, 3)))
        changes = self._change_job(chance, cluster, odd.id)
        self._go_on(loop)
        if chance.random() < 0.5:
            cluster.drain("a", 60)
            self._go_on(loop)
        loop.agent.stop()
        self._go_on(loop)
        return f"an agent that is to end with {changes}"

    def _change_job(self, chance: random.Random, cluster: Cluster, id: str) -> dict[str, bytes]:
        key = cluster.store.keys("rq_job", id)
        changes = {}
        for _ in range(1 + int(chance.random() ** 3 * 3)):
            name = chance.choice(FIELDS_OF_JOBS)
            was: Any = self._connection.hget(key, name)
            changes[name] = bytes_for(chance, was or b"")
        self._connection.hset(key, mapping=changes)
        return changes

    def _check_rest(self, cluster: Cluster, good: Handle) -> None:
        if good.status != "finished" or any(node_of(cluster, "a").used.values()):
            raise AssertionError(f"what is sound is {good.status}, and {node_of(cluster, 'a').used} is held")

    def _go_on(self, loop: Loop) -> None:
        for _ in range(5):
            loop.pass_s(1.0)
            loop.step(2)

    def _bend_job(self, chance: random.Random, cluster: Cluster, loop: Loop) -> str:
        odd = cluster.enqueue(
            "tasks:work", node="a", max_retries=0, on_failure=chance.choice((None, "tasks:told")), meta={"a": 1}
        )
        run = None
        if chance.random() < 0.4:
            first = Function("f", "tasks:work")
            second = Function("g", "tasks:work", args=[Argument("f", "tasks:form")], node=Collocated("f"))
            run = cluster.submit_dag(DAG("d").add(first).add(second), max_retries=0)
            odd = run.handle(chance.choice("fg"))
        changes = self._change_job(chance, cluster, odd.id)
        self._go_on(loop)
        look_at(cluster, odd)
        if run is not None:
            self._end(run)
        return f"a job with {changes}"

    def _end(self, run: Any) -> None:
        for ask in (run.progress, run.cancel, lambda: run.result(0, partial=True)):
            try:
                ask()
            except (HandoffError, TimeoutError):
                continue

    def _bend_node(self, chance: random.Random, cluster: Cluster, loop: Loop) -> str:
        cluster.enqueue("tasks:work", node="a", max_retries=3)
        key = cluster.store.keys("node", "a")
        name = chance.choice(_NODE_FIELDS)
        was: Any = self._connection.hget(key, name)
        value = bytes_for(chance, was or b"")
        self._connection.hset(key, name, value)
        return f"a node with {name} = {value!r}"

    def _push(self, chance: random.Random, cluster: Cluster, loop: Loop) -> str:
        """Put a job onto a queue, of any id."""
        id, key = bytes_for(chance, b"job-1"), cluster.store.keys("rq_job", "").encode()
        queue = chance.choice((cluster.namespace, cluster.store.keys.queue("a")))
        job = {name: value for name, value in task("call").job.items() if name != b"status"}
        self._connection.hset(key + id, mapping={**job, b"status": b"queued", b"origin": queue})
        self._connection.rpush(cluster.store.keys("rq_queue", queue), id)
        return f"on a queue {id!r}"

    def _say(self, chance: random.Random, cluster: Cluster, loop: Loop) -> str:
        told = {"command": chance.choice(_COMMANDS[2:]), "job_id": values.word(chance)}
        data = changed(chance, json.dumps(told).encode())
        command = hints._parse(data)
        if isinstance(command, dict) and command["command"] != "shutdown":
            loop.commands.say(**{str(name): value for name, value in command.items()})
        return f"on its channel {data!r}"


def _fault(try_it: Callable[[], str]) -> str:
    try:
        return try_it()
    except BaseException as error:
        return f"{type(error).__name__} {error} in {traceback.extract_tb(error.__traceback__)[-1]}"


@contextmanager
def _errors_logged() -> Iterator[list[str]]:
    logged: list[str] = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            logged.append(record.getMessage())

    handler = Handler(logging.ERROR)
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        yield logged
    finally:
        root.removeHandler(handler)
