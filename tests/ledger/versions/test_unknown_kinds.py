"""Timers, and what is left over, of kinds that only a newer version knows: they stay, and hold up nothing."""

from __future__ import annotations

from typing import Any

import pytest

from handoff.client.cluster import Cluster
from support.graphs import Site, function
from support.passing import pass_ms
from support.submits import submit

START_MS = 1_900_000_000_000

MANY = 40
"""More than one script looks at."""


@pytest.fixture(autouse=True)
def _still(cluster: Cluster) -> None:
    cluster.store.now_ms = START_MS


class Left:
    """What a newer version has left in one key."""

    def __init__(self, cluster: Cluster, key: str) -> None:
        self._client: Any = cluster.connection
        self._key = cluster.store.keys(key)
        self.texts = [f"{'kind' if key == 'leftovers' else 'novel'}|x{number:02}|7".encode() for number in range(MANY)]

    def leave(self, score: int) -> None:
        self._client.zadd(self._key, {text: score + i for i, text in enumerate(self.texts)})

    def found(self) -> dict[bytes, float]:
        return dict(self._client.zrange(self._key, 0, -1, withscores=True))

    def come_to_be_known(self, kind: bytes) -> bytes:
        """Somebody writes one of them so that this version knows its kind. -> its text now"""
        (text, *_), score = self.texts, self.found()[self.texts[0]]
        self._client.zrem(self._key, text)
        _, _, rest = text.partition(b"|")
        self._client.zadd(self._key, {kind + b"|" + rest: score})
        return kind + b"|" + rest

    def clear(self) -> None:
        self._client.delete(self._key)


def tick(cluster: Cluster) -> list[Any]:
    """Do one slice. -> the reply"""
    return cluster.store.run("tick", room=0, token="t")


@pytest.mark.parametrize("key", ["timers", "renewed"])
def test_timers_of_unknown_kinds_stay_and_those_behind_them_are_not_held_up(cluster: Cluster, key: str) -> None:
    late = submit(cluster, "late", cost={"cpu": 1}, wait_ttl=5)
    left = Left(cluster, key)
    left.leave(START_MS - 1000)

    pass_ms(cluster.store, 6000)
    while tick(cluster)[1]:
        assert left.found().keys() >= set(left.texts)

    assert late.status == "failed"
    assert left.found().keys() >= set(left.texts)
    named = tick(cluster)[3]
    assert named
    assert set(named) <= set(left.texts)
    left.clear()


def test_what_is_left_over_of_unknown_kinds_stays_and_holds_up_nothing(cluster: Cluster) -> None:
    site = Site(cluster)
    site.node("a", cpu=30)
    left = Left(cluster, "leftovers")
    left.leave(0)
    run = site.submit(function("x"), *(function(f"y{i}", "x") for i in range(30)))

    site.take("a")
    site.finish("x")
    while tick(cluster)[1]:
        continue

    assert set(site.states(run).values()) == {"finished", "queued"}
    assert left.found().keys() == set(left.texts)
    left.clear()


@pytest.mark.parametrize(("key", "kind"), [("timers", b"expire"), ("renewed", b"load"), ("leftovers", b"forget")])
def test_a_version_that_knows_them_takes_them_up_as_they_were(cluster: Cluster, key: str, kind: bytes) -> None:
    left = Left(cluster, key)
    left.leave(START_MS - 1000 if key != "leftovers" else 7)
    while tick(cluster)[1]:
        continue
    text = left.come_to_be_known(kind)
    assert text in left.found()

    while tick(cluster)[1]:
        continue

    assert text not in left.found()
    assert left.found().keys() == set(left.texts[1:])
    left.clear()


def test_events_tell_of_each_once(cluster: Cluster) -> None:
    left = Left(cluster, "timers")
    left.leave(START_MS - 1000)
    for _ in range(MANY):
        tick(cluster)

    told = [event["what"].encode() for _, event in cluster.events() if event["event"] == "unknown"]

    assert sorted(told) == left.texts
    left.clear()
