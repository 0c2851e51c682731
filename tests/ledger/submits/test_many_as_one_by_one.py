"""Random lists: submitted together they leave in the books what they leave when they are submitted one by one."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
import redis

from handoff.client.cluster import Cluster
from handoff.errors import DuplicateFunction, Infeasible, PartlySubmitted
from handoff.ledger import slices
from handoff.ledger.housekeeping import tick
from handoff.words.constraints import Not
from handoff.words.function import Function
from handoff.words.variants import After
from support.agent import FakeAgent, ok
from support.books import check_books
from support.ledger import read_ledger
from support.passing import pass_ms
from support.playing import NOW_MS, comparable, events_of

Submit = Callable[[Cluster, list[Function]], list[Any]]

NOT_COMPARED = ("able", "clock")
"""What is remembered of comparisons, and when."""


class Seen(NamedTuple):
    """All there is to see in the end."""

    told: list[Any]
    events: list[dict[str, str]]
    books: dict[str, Any]
    started: list[str]


def random_functions(chance: random.Random, count: int) -> list[Function]:
    costs: list[Any] = [
        {"cpu": 1}, {"cpu": 2}, {"cpu": 0.5, "gpu": 0.5}, {"gpu": 1}, {"cpu": 1, "license": 1}, {},
        {"cpu": 99}, {"odd": 1}, [{"gpu": 1}, After(5, {"cpu": 2})], [{"cpu": 3}, {"cpu": 1}],
    ]  # fmt: skip
    found = []
    for number in range(count):
        options: dict[str, Any] = {"cost": chance.choice(costs)}
        options |= chance.choice(
            [
                {}, {}, {}, {"priority": chance.randint(-2, 2)}, {"node": chance.choice("abx")}, {"delay": 3},
                {"where": {"zone": "a"}}, {"where": {"zone": Not("a")}}, {"strategy": "load_balanced"},
                {"on_infeasible": "raise"}, {"on_infeasible": 4}, {"wait_ttl": 4}, {"max_retries": 2},
            ]
        )  # fmt: skip
        # Now and then one that is there already.
        id = f"f{number}" if chance.random() < 0.95 else "taken"
        found.append(Function(id, "tasks:work", **options))
    return found


def one_by_one(cluster: Cluster, functions: list[Function]) -> list[Any]:
    told: list[Any] = []
    for each in functions:
        options = {name: getattr(each, name) for name in OPTIONS}
        try:
            told.append(cluster.enqueue(each.code, job_id=each.id, **options).verdict)
        except (DuplicateFunction, Infeasible) as error:
            told.append((type(error), error.args))
    return told


OPTIONS = (
    "cost", "priority", "node", "delay", "where", "strategy", "on_infeasible", "wait_ttl", "max_retries",
)  # fmt: skip


def together(cluster: Cluster, functions: list[Function]) -> list[Any]:
    ids = [each.id for each in functions]
    try:
        return [handle.verdict for handle in cluster.submit_many(functions, job_ids=ids)]
    except PartlySubmitted as error:
        return [
            (type(error.errors[at]), error.errors[at].args) if at in error.errors else getattr(handle, "verdict", None)
            for at, handle in enumerate(error.handles)
        ]


def play(database: redis.Redis, functions: list[Function], submit: Submit, room: int) -> Seen:
    """Submit them to a cluster that has some room, and let all of them start."""
    database.flushdb()
    with Cluster(connection=database, namespace="t") as cluster:
        cluster.store.now_ms = NOW_MS
        agents = [
            FakeAgent(cluster.store, "a", {"cpu": 3 * room, "gpu": 2}, labels={"zone": "a"}, incarnation="1").register()
        ]
        agents.append(FakeAgent(cluster.store, "b", {"cpu": 2 * room}, incarnation="2").register())
        cluster.share({"license": 1})
        # So that nodes are held meanwhile, and given up.
        cluster.limit_overtaking(2)
        cluster.enqueue("tasks:work", job_id="taken", cost={"cpu": 1})
        told = submit(cluster, functions)
        check_books(cluster.store)
        # Work that is left over, as where a hold ends, each single submit goes on with first, a list only once.
        tick(cluster.store)
        books = comparable(read_ledger(cluster.store))
        events = events_of(cluster)
        started: list[str] = []
        for _ in range(len(functions)):
            for agent in agents:
                found = agent.take(room=2)
                started += [each.job_id for each in found]
                agent.finish(*(ok(each.id) for each in found))
            pass_ms(cluster.store, 1000)
            tick(cluster.store)
            for agent in agents:
                agent.beat()
        check_books(cluster.store)
        return Seen(told, events, without_tokens(books), started)


def without_tokens(books: dict[str, Any]) -> dict[str, Any]:
    own = {key: value for key, value in books["own"].items() if key not in NOT_COMPARED}
    # What one script sets and takes back leaves a bitmap of nothing, or none.
    own = {key: value for key, value in own.items() if not (key.startswith("plane:") and not value.strip(b"\0"))}
    rq = {
        key: {name: each for name, each in value.items() if name != "h_token"} if isinstance(value, dict) else value
        for key, value in books["rq"].items()
    }
    return {"own": own, "rq": rq}


@pytest.mark.parametrize("seed", [0, 1, 107, 114, 129, 271, 383])
def test_a_list_leaves_what_its_functions_leave_one_by_one(
    database: redis.Redis, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    chance = random.Random(seed)
    monkeypatch.setattr(slices, "SLICE", chance.choice([2, 5, 64]))
    functions, room = random_functions(chance, 40), 1 + 2 * (seed % 3)
    kept = {each.id: each for each in functions}

    expected = play(database, list(kept.values()), one_by_one, room)
    seen = play(database, list(kept.values()), together, room)

    assert seen.told == expected.told
    assert seen.events == expected.events
    assert seen.books["own"] == expected.books["own"]
    assert seen.books["rq"] == expected.books["rq"]
    assert seen.started == expected.started
    assert {"placed", "waiting", "infeasible"} <= {getattr(each, "state", "") for each in seen.told}
