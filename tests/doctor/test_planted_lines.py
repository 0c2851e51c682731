"""What is wrong with lines, with the index of many shapes, with runs and with keys that are left behind is found."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from doctor.conftest import Scene, put
from doctor.plants import Plant, assert_found, set_bit, set_field
from handoff.words.function import Function
from support.diamond import dag

TERM = "zone=nowhere"

LAST = f"cpu=970000,slots=10000@{TERM}"


def among_many(do: Callable[[Scene], object]) -> Callable[[Scene], object]:
    """Where so many shapes wait that there is an index of them."""

    def build_and_do(scene: Scene) -> None:
        for number in range(33):
            where = {"where": {"zone": "nowhere"}} if number == 32 else {}
            put(scene, f"many{number}", {"cpu": 65 + number}, **where)
        do(scene)

    return build_and_do


def flip(key: str, of: str = "") -> Callable[[Scene], object]:
    """Turn a bit of the last shape."""

    def do(scene: Scene) -> None:
        at, name = int(scene.redis.zscore(scene.key("shapes"), LAST)), scene.key(key, of)
        scene.redis.setbit(name, at, 1 - scene.redis.getbit(name, at))

    return do


def be_in_a_line(text: str) -> Callable[[Scene], object]:
    def do(scene: Scene) -> None:
        scene.redis.zadd(scene.key("shapes"), {text: -1})
        scene.redis.zadd(scene.key("shape", text), {scene.ids["waits"]: 17})

    return do


def ended(do: Callable[[Scene], object]) -> Callable[[Scene], object]:
    """Where another run has ended, `{ended}`."""

    def end_and_do(scene: Scene) -> None:
        run = scene.cluster.submit_dag(dag(Function("f", "tasks:work", cost={"cpu": 64}), id="short"))
        assert run.cancel()
        scene.ids["ended"] = scene.redis.get(scene.key("run_of", "short")).decode()
        do(scene)

    return end_and_do


def forget_who_is_left(scene: Scene) -> None:
    scene.redis.delete(*(scene.key(key, scene.ids["run"]) for key in ("run_missing", "run_active")))


def end_by_hand(scene: Scene) -> None:
    scene.redis.hset(scene.key("rq_job", scene.ids["waits"]), "status", "finished")


def limit_what_runs(scene: Scene) -> None:
    scene.redis.hset(scene.key("rq_job", scene.ids["runs"]), "h_options", "wait=3600000")
    scene.redis.zadd(scene.key("timers"), {f"expire|{scene.ids['runs']}": 2e12})


PLANTED = {
    # Functions.
    "one that is deferred and nobody knows why": Plant(lambda scene: scene.redis.hdel(scene.key("rq_job", scene.ids["waits"]), "h_state"), "places", "it is deferred, and its state is not there", "waits"),
    "one that has ended and waits": Plant(end_by_hand, "places", "it stands among those that wait, and the job says finished", "waits"),
    # Lines.
    "a line without a slot": Plant(be_in_a_line("cpu=640000"), "lines", "asks for no slot", "waits"),
    "a line that is no shape": Plant(lambda scene: scene.redis.zadd(scene.key("shapes"), {"nonsense": -1}), "lines", "which is no shape"),
    "who could hold what nobody waits for": Plant(lambda scene: scene.redis.hset(scene.key("able"), "cpu=70000,slots=10000", 3), "lines", "and nobody waits with it"),
    "what one node could hold as what none could": Plant(lambda scene: scene.redis.hset(scene.key("nearest"), "cpu=990000,slots=10000&cpu=10000,slots=10000", "a|cpu~990000~40000"), "lines", "it is remembered that no node could hold"),
    # The index of shapes.
    "a position without an index": Plant(lambda scene: scene.redis.zadd(scene.key("shapes"), {"cpu=640000,slots=10000": 5}), "lines", "which cannot be", "waits"),
    "a position that is not taken": Plant(among_many(flip("shape_bits")), "lines", "is not taken", "many32"),
    "a position of another scope": Plant(among_many(flip("shape_scope")), "lines", "is not taken", "many32"),
    "a position of nobody": Plant(among_many(set_bit("shape_bits", 99, 1)), "lines", "positions taken, and"),
    "a rank that the index does not know": Plant(among_many(flip("shape_plane", "*rank:3")), "lines", "the index of shapes has its head at", "many32"),
    "a need that the index does not know": Plant(among_many(flip("shape_plane", "cpu:2")), "lines", "does not say what it needs", "many32", "", ("cpu",)),
    "a term that the index does not know": Plant(among_many(lambda scene: scene.redis.hdel(scene.key("shape_terms"), TERM)), "lines", "does not know its term", "many32"),
    "a count of terms that is wrong": Plant(among_many(set_field("shape_terms", "", TERM, 5)), "lines", f"the count of shapes with {TERM}", "", "", ("shapes",)),
    "a plane of no index of shapes": Plant(set_bit("shape_plane", 1, 1, "cpu:1"), "keys", "an index of shapes that is not there"),
    "a term of no shape": Plant(among_many(set_bit("shape_term", 1, 1, "zone=q")), "keys", "a constraint that no shape has"),
    # Runs.
    "a run that is in no list": Plant(lambda scene: scene.redis.zrem(scene.key("runs"), scene.ids["run"]), "runs", "`runs` does not name run"),
    "a run of which nothing is left": Plant(forget_who_is_left, "runs", "is running, and all of it has ended"),
    "a run that loads for ever": Plant(set_field("run", "{run}", "state", "loading"), "runs", "nobody gives it up"),
    "a run in no state": Plant(set_field("run", "{run}", "state", "odd"), "runs", "is odd, and nothing of it is left to be done"),
    "a run that ended nobody knows when": Plant(ended(lambda scene: scene.redis.hdel(scene.key("run", scene.ids["ended"]), "ended_ms")), "runs", "when it has ended is not known"),
    "a run that ended and has somebody left": Plant(ended(set_field("run_missing", "{ended}", "1", 1)), "keys", "has ended, and `missing:"),
    "somebody parked in a run that ended": Plant(ended(lambda scene: scene.redis.rpush(scene.key("run_parked", f"{scene.ids['ended']}:1"), "1")), "keys", "is of a run that has ended"),
    "a run that cannot be read": Plant(set_field("run", "{run}", "n_failed", "x"), "keys", "what is stored of it cannot be read"),
    "a run that counts wrong how it ended": Plant(lambda scene: scene.redis.hset(scene.key("run", scene.ids["run"]), mapping={"n_finished": 1, "n_failed": -1}), "runs", "how its functions ended", "", "", ("finished",)),
    "a group that has not chosen": Plant(lambda scene: scene.redis.sadd(scene.key("groups_on", "b"), f"{scene.ids['run']}|1"), "runs", "is said to have chosen the node", "", "b"),
    # Keys.
    "a name of a run that is gone": Plant(lambda scene: scene.redis.set(scene.key("run_of", "other"), "ghost"), "keys", "names a run that is not there"),
    "a limit of time for what has started": Plant(limit_what_runs, "keys", "for a function that has started", "runs"),
}  # fmt: skip


@pytest.mark.parametrize("connection", ["real"], indirect=True)
@pytest.mark.parametrize("name", PLANTED)
def test_what_was_made_wrong_where_functions_wait_is_found(scene: Scene, name: str) -> None:
    assert_found(scene, PLANTED[name])
