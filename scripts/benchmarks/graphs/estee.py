"""How near the order of a run comes to the fastest schedule: sixteen graphs on 8 nodes of 4 cores, in simulated time.

Real scripts on a real server decide everything; the agents run nothing and let each function take as long as its graph
says. A figure is the makespan over max(critical path, work / cores). Every graph runs with those durations given to
Handoff, and without any, so that it counts hops; and without any for the second time, ordered by what agents have told
at the heartbeats of the first: once with the same ids, and once with others, so that only the names of functions are
known again, one for each kind of task.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import exp, log
from statistics import fmean

from benchmarks.figures import Figure
from benchmarks.graphs.elementary import (
    CORES,
    NODES,
    Task,
    expected_by_kind,
    least_s,
    list_schedule_s,
    load,
    longest_paths_s,
)
from benchmarks.graphs.shapes import step
from benchmarks.graphs.trouble import Failed
from handoff import DAG, Cluster, Function
from handoff.ledger.housekeeping import tick
from handoff.ledger.texts.usage import write_usage
from handoff.local.server import RedisServer
from handoff_worker.agent import delivery, started
from handoff_worker.agent.learning import Learning
from support.agent import FakeAgent, Result, Started, ok

PART = "estee"
WITH, WITHOUT = "durations given", "no durations"
SAME_IDS, OTHER_IDS = "learned, the same ids", "learned, other ids"
AT_MOST = {WITH: 1.10, WITHOUT: 1.14}
"""The bars of the geometric means."""

LEARNED_AT_MOST = 1.02
"""How much longer a graph may take by what was learned in one run than with its durations given: in the mean."""

LEASE_MS = 30 * 24 * 3_600_000
"""Longer than any graph: nobody's lease has to be renewed."""

BEAT_MS = 5_000
"""What an agent says at a heartbeat is what it has learned: as often as with a lease of 15 s."""


def measure(size: int, repeats: int, tell: Callable[[str], None]) -> list[Figure]:
    """Run all graphs once, which is enough: nothing depends on chance. Neither a size nor repeats can be chosen.

    Raises `Absent` where the graphs are not here.
    """
    graphs = load()
    bounds = {name: least_s(tasks) for name, tasks in graphs.items()}
    ratios: dict[str, dict[str, float]] = {told: {} for told in (WITH, WITHOUT, SAME_IDS, OTHER_IDS)}
    orders: dict[str, dict[str, float]] = {told: {} for told in ratios}
    for name, tasks in graphs.items():
        hops = [1.0] * len(tasks)
        expected = {WITH: None, WITHOUT: hops, SAME_IDS: None, OTHER_IDS: expected_by_kind(tasks)}
        for told, found in ratios.items():
            orders[told][name] = list_schedule_s(tasks, longest_paths_s(tasks, expected[told])) / bounds[name]
            found[name] = _makespan_s(tasks, told) / bounds[name]
        tell(f"{PART}: {name} {', '.join(f'{found[name]:.3f} {told}' for told, found in ratios.items())}")
    figures = []
    for told, found in ratios.items():
        for name, tasks in graphs.items():
            note = f"{found[name]:.3f}; list scheduling {orders[told][name]:.3f}"
            figures.append(Figure(PART, f"{name}, {told}", [found[name]], "x", len(tasks), note))
    functions = sum(map(len, graphs.values()))
    for told, found in ratios.items():
        reference = _geometric_mean(orders[told].values())
        details = {"by_graph": found, "list_scheduling": orders[told], "least_s": bounds}
        mean = _geometric_mean(found.values())
        note = f"{mean:.4f}; list scheduling in the same order {reference:.4f}"
        figures.append(
            Figure(PART, f"geometric mean, {told}", [mean], "x", functions, note, AT_MOST.get(told), details=details)
        )
    return figures + [_beside_given(told, ratios, functions) for told in (SAME_IDS, OTHER_IDS)]


def _beside_given(told: str, ratios: Mapping[str, Mapping[str, float]], functions: int) -> Figure:
    """How much longer graphs take by what was learned than with their durations given."""
    longer = {name: ratio / ratios[WITH][name] for name, ratio in ratios[told].items()}
    worst = max(longer, key=lambda name: longer[name])
    mean = _geometric_mean(longer.values())
    return Figure(
        PART, f"over {WITH}, {told}", [mean], "x", functions, f"{mean:.4f}; the worst is {worst}, {longer[worst]:.3f}",
        LEARNED_AT_MOST if told == SAME_IDS else None, details={"by_graph": longer},
    )  # fmt: skip


def _makespan_s(tasks: Sequence[Task], told: str) -> float:
    """How long a graph takes, in simulated seconds; of what was learned, in the second run."""
    with RedisServer() as server, Cluster(server.url) as cluster:
        simulation = _Simulation(cluster, tasks)
        if told in (WITH, WITHOUT):
            return simulation.run(simulation.dag(tells_durations=told == WITH))
        simulation.run(simulation.dag(by_kind=told == OTHER_IDS))
        return simulation.run(simulation.dag(by_kind=told == OTHER_IDS, named="again " if told == OTHER_IDS else ""))


class _Simulation:
    """Graphs of the same tasks on one server."""

    def __init__(self, cluster: Cluster, tasks: Sequence[Task]) -> None:
        self._cluster = cluster
        self._tasks = tasks
        self._ends: list[tuple[int, int, str]] = []  # ms, node, reservation
        cluster.store.now_ms = self._beat_at_ms = int(time.time() * 1000)
        self._agents = [
            FakeAgent(cluster.store, f"node{number}", {"cpu": CORES, "slots": CORES}, lease_ms=LEASE_MS).register()
            for number in range(NODES)
        ]
        self._learning = [Learning() for _ in range(NODES)]

    def run(self, dag: DAG) -> float:
        """Let all of it run. -> its makespan in simulated seconds"""
        store = self._cluster.store
        began_ms = store.now_ms
        run = self._cluster.submit_dag(dag)
        self._start()
        while self._ends:
            store.now_ms = self._ends[0][0]
            if store.now_ms >= self._beat_at_ms:
                self._beat()
            ended: dict[int, list[Result]] = {}
            while self._ends and self._ends[0][0] == store.now_ms:
                _, node, id = heapq.heappop(self._ends)
                ended.setdefault(node, []).append(ok(id))
            for node, results in ended.items():
                self._exchange(node, results)
            self._start()
        self._beat()
        if run.status != "finished":
            raise Failed(f"nothing runs, and the run is {run.status}: {run.progress().counts}")
        return (store.now_ms - began_ms) / 1000

    def dag(self, *, tells_durations: bool = False, by_kind: bool = False, named: str = "") -> DAG:
        """The graph; `named` is what its functions' ids begin with."""
        kinds = list(dict.fromkeys(task.kind for task in self._tasks))
        dag = DAG()
        for number, task in enumerate(self._tasks):
            dag.add(
                Function(
                    f"{named}{number}",
                    f"estee:kind{kinds.index(task.kind)}" if by_kind else step,
                    args=[f"{named}{need}" for need in task.needs],
                    cost={"cpu": task.cores},
                    duration=task.duration_s if tells_durations else None,
                )
            )
        return dag

    def _start(self) -> None:
        """Let the agents take what is placed, until nothing is."""
        keys = self._cluster.store.keys
        queues = [keys("rq_queue", keys.queue(agent.name)) for agent in self._agents]
        while True:
            tick(self._cluster.store)
            lengths = self._cluster.store.read_each([("LLEN", queue) for queue in queues])
            if not any(lengths):
                return
            for node, length in enumerate(lengths):
                if length:
                    self._exchange(node, [])

    def _exchange(self, node: int, results: list[Result]) -> None:
        agent = self._agents[node]
        before = dict(agent.runs)
        if set(agent.finish(*results, room=CORES)) - {"stored"}:
            raise Failed(f"a result on {agent.name} was not stored")
        for result in results:
            self._note(node, before[result.id])
        for id, begun in agent.runs.items():
            if id not in before:
                end_ms = self._cluster.store.now_ms + round(self._task(begun).duration_s * 1000)
                heapq.heappush(self._ends, (end_ms, node, id))

    def _task(self, begun: Started) -> Task:
        return self._tasks[int(begun.job["h_function"].rpartition(b" ")[2])]

    def _note(self, node: int, ended: Started) -> None:
        """Learn of it as an agent does."""
        job = {name.encode(): value for name, value in ended.job.items()}
        usage = write_usage(None, None, self._task(ended).duration_s)
        self._learning[node].note(
            started.Started(ended.id, job), delivery.Result(ended.id, "finished", "", usage=usage)
        )

    def _beat(self) -> None:
        """Let all agents tell what they have learned."""
        self._beat_at_ms = self._cluster.store.now_ms + BEAT_MS
        for agent, learning in zip(self._agents, self._learning, strict=True):
            agent.tell_learned(learning.take())


def _geometric_mean(ratios: Iterable[float]) -> float:
    return exp(fmean(map(log, ratios)))
