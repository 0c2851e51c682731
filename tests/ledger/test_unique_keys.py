"""Random histories of functions with keys: who has one is who a model of a few lines says."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from handoff.client.cluster import Cluster
from handoff.client.handle import Handle
from handoff.ledger.housekeeping import tick
from handoff.local.server import RedisServer
from handoff.words.function import Function
from handoff.words.ids import new_id
from support.agent import FakeAgent, Started, failure, ok
from support.books import check_books
from support.submits import NOW_MS

KEYS = ["a", "b"]

STEP = st.one_of(
    st.tuples(st.just("submit"), st.sampled_from(KEYS), st.booleans()),
    st.tuples(st.just("submit many"), st.lists(st.sampled_from(KEYS), min_size=1, max_size=4), st.booleans()),
    st.tuples(st.sampled_from(["start", "finish", "fail", "time"]), st.just(""), st.just(False)),
    st.tuples(st.sampled_from(["cancel", "delete"]), st.sampled_from(KEYS), st.just(False)),
)


@dataclass
class Scene:
    """A cluster and, of each key, the function that is to have it."""

    cluster: Cluster
    agent: FakeAgent
    having: dict[str, Handle] = field(default_factory=dict)
    kept: set[str] = field(default_factory=set)  #: keys of functions that have finished
    ttls: set[str] = field(default_factory=set)  #: ids of functions that keep their key then
    running: list[Started] = field(default_factory=list)

    def submitted(self, key: str, keeps: bool, handle: Handle) -> None:
        first = self.having.get(key)
        assert handle.created == (first is None)
        if first is not None:
            assert (handle.id, handle.function_id) == (first.id, first.function_id)
            return
        self.having[key] = handle
        if keeps:
            self.ttls.add(handle.id)

    def ended(self, id: str, has_finished: bool) -> None:
        for key, handle in [*self.having.items()]:
            if handle.id == id and has_finished and id in self.ttls:
                self.kept.add(key)
            elif handle.id == id:
                del self.having[key]

    def function(self, number: int, key: str, keeps: bool) -> Function:
        return Function(f"f{number}", "tasks:work", unique=key, unique_ttl=60 if keeps else None)

    def play(self, number: int, step: tuple[str, str | list[str], bool]) -> None:
        match step:
            case "submit", str(key), keeps:
                self.submitted(key, keeps, self.cluster.submit(self.function(number, key, keeps)))
            case "submit many", list(keys), keeps:
                functions = [self.function(number, key, keeps) for key in keys]
                for key, handle in zip(keys, self.cluster.submit_many(functions), strict=True):
                    self.submitted(key, keeps, handle)
            case "start", _, _:
                self.running += self.agent.take()
            case "finish" | "fail" as how, _, _ if self.running:
                started = self.running.pop(0)
                told = self.agent.finish((ok if how == "finish" else failure)(started.id))
                self.ended(started.job_id, told == ["stored"])
            case "time", _, _:
                # That of Redis, by which keys expire, is nobody's to set.
                for key in self.kept:
                    self.cluster.connection.delete(self.cluster.store.keys("unique_after", key))
                    del self.having[key]
                self.kept.clear()
                tick(self.cluster.store)
            case "cancel", str(key), _ if key in self.having and key not in self.kept:
                handle = self.having[key]
                handle.cancel()
                if handle.id not in [started.job_id for started in self.running]:
                    self.ended(handle.id, has_finished=False)
            case "delete", str(key), _ if key in self.having:
                handle = self.having.pop(key)
                handle.job.delete()
                self.kept.discard(key)


@settings(max_examples=100)
@given(st.lists(STEP, max_size=30))
def test_a_key_is_of_one_function_until_that_has_ended(
    server: RedisServer, steps: list[tuple[str, str | list[str], bool]]
) -> None:
    with Cluster(server.url, namespace=f"t{new_id()}") as cluster:
        cluster.store.now_ms = NOW_MS
        scene = Scene(cluster, FakeAgent(cluster.store, "a", {"slots": 2}).register())
        for number, step in enumerate(steps):
            scene.play(number, step)
        for key in KEYS:
            scene.submitted(key, False, cluster.submit(Function("last", "tasks:work", unique=key)))
        # What rq deleted while it ran is given back when its agent tells of it.
        scene.agent.finish(*(ok(started.id) for started in scene.running))
        scene.agent.take(room=9)
        scene.agent.beat()
        tick(cluster.store)
        check_books(cluster.store)
