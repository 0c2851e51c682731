"""Whatever is wrong with the books is found, with whose it is, where, and how much: each kind made by hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from doctor.conftest import Scene
from doctor.plants import Plant, add_key, assert_found, set_bit, set_field
from handoff.ledger.housekeeping import tick
from support.books import check_books

RECORD = "{epoch}|5|cpu=10000,slots=10000||"


def leak(scene: Scene) -> None:
    """A reservation whose job is gone."""
    epoch = scene.redis.hget(scene.key("node", "a"), "epoch").decode()
    scene.redis.hset(scene.key("reservations", "a"), "ghost:7", RECORD.format(epoch=epoch))


def line(scene: Scene) -> str:
    return str(scene.job("waits")["h_demand"])


def drop_from_queue(scene: Scene) -> None:
    scene.redis.lrem(scene.key("rq_queue", scene.store.keys.queue("a")), 0, scene.ids["queued"])


def drop_reservation(name: str, node: str) -> Callable[[Scene], object]:
    return lambda scene: scene.redis.hdel(scene.key("reservations", node), scene.reservation(name))


def without_waiting(scene: Scene) -> None:
    scene.redis.zrem(scene.key("waiting"), scene.ids["waits"])


def head_of(key: str, of: str = "") -> Callable[[Scene], object]:
    return lambda scene: scene.redis.zadd(scene.key(key, of), {line(scene): 17})


PLANTED = {
    # Amounts.
    "a leaked reservation": Plant(leak, "reservations", "there is no such job", "ghost", "a", ("cpu", "slots")),
    "a leaked reservation is used by nobody": Plant(leak, "amounts", "not what its 3 reservations say", "", "a", ("cpu", "slots")),
    "use that no reservation says": Plant(set_field("node", "a", "used:cpu", 30000), "amounts", "not what its 2", "", "a", ("cpu",)),
    "use that is no number": Plant(set_field("node", "a", "used:cpu", "x"), "amounts", "cannot be read", "", "a"),
    "a device that is freer than it is": Plant(set_field("node", "a", "dev:gpu", "0=10000,1=10000"), "amounts", "of a device", "", "a", ("gpu 0",)),
    "a node that says it is over": Plant(set_field("node", "b", "over", "1"), "amounts", "more is reserved than it has", "", "b"),
    "shared use that nobody holds": Plant(set_field("node", "*", "used:license", 20000), "amounts", "of what all share", "", "*", ("license",)),
    "a token without a holder": Plant(set_field("reservations", "*", "ghost:7", "0|5|license=10000||"), "reservations", "its record there", "ghost", "", ("license",)),
    "a reservation of another epoch": Plant(lambda scene: scene.redis.hset(scene.key("node", "a"), "epoch", "1"), "reservations", "is of epoch", "", "a", ("cpu", "slots")),
    "a claim without a reservation": Plant(lambda scene: scene.redis.hdel(scene.key("reservations", "b"), scene.ids["claim"]), "reservations", "has no reservation", "", "b"),
    "a reservation without its claim": Plant(lambda scene: scene.redis.delete(scene.key("claims")), "reservations", "no claim says so", "", "b", ("cpu",)),
    "what others use, of which nobody speaks": Plant(lambda scene: scene.redis.hset(scene.key("reservations", "b"), "external", RECORD.format(epoch=1)), "reservations", "its agent does not say so", "", "b", ("cpu", "slots")),
    "an owner of no claim": Plant(set_field("claim_owners", "", "~gone", "somebody"), "reservations", "has an owner"),
    # The index.
    "a bit of what is free that is wrong": Plant(set_bit("plane", 0, 1, "free:cpu:1"), "index", "is free of it", "", "a", ("cpu",)),
    "a bit of what it has that is wrong": Plant(set_bit("plane", 0, 1, "cap:cpu:1"), "index", "it has", "", "a", ("cpu",)),
    "a bit of nobody": Plant(set_bit("plane", 77, 1, "free:cpu:3"), "index", "position 77, which no node has"),
    "a node that is not live": Plant(set_bit("live", 0, 0), "index", "`live`", "", "a"),
    "a drained node that is open": Plant(set_bit("open", 2, 1), "index", "`open`", "", "c"),
    "a node that nobody holds": Plant(set_bit("hold_bits", 1, 1), "index", "`withheld`", "", "b"),
    "a label of another node": Plant(set_bit("label", 1, 1, "zone=x"), "index", "has a bit for position 1, and the node does not say so", "", "b"),
    "a label that is gone": Plant(lambda scene: scene.redis.delete(scene.key("label", "zone=x")), "index", "its label zone=x", "", "a"),
    "a count of labels that is wrong": Plant(set_field("labels", "", "zone=x", 5), "index", "the count of nodes with zone=x", "", "", ("nodes",)),
    "a stale class": Plant(set_field("node", "a", "class", "cpu=1@"), "index", "its class is cpu=1@", "", "a"),
    "a class of somebody else": Plant(lambda scene: scene.redis.zadd(scene.key("class", "cpu=1@"), {"b": 0}), "keys", "class that is not there"),
    "a lease of nobody": Plant(lambda scene: scene.redis.zadd(scene.key("leases"), {"ghost": 2e12}), "keys", "names node ghost", "", "ghost"),
    "a node that is lost and up": Plant(lambda scene: scene.redis.zadd(scene.key("lost"), {"b": 5}), "index", "lost", "", "b"),
    "a position that is another's": Plant(set_field("node", "a", "position", 5), "index", "its position is 5", "", "a"),
    # Places.
    "a function that stands nowhere": Plant(drop_from_queue, "places", "it is queued and stands nowhere", "queued", "a"),
    "one that waits and stands nowhere": Plant(without_waiting, "places", "stands nowhere", "waits"),
    "one that stands twice": Plant(lambda scene: scene.redis.zadd(scene.key("delayed"), {scene.ids["waits"]: 5}), "places", "delayed and waiting", "waits"),
    "one that stands on two queues": Plant(lambda scene: scene.redis.rpush(scene.key("rq_queue", scene.store.keys.queue("b")), scene.ids["queued"]), "places", "on the queue", "queued", "b"),
    "one that is queued twice": Plant(lambda scene: scene.redis.rpush(scene.key("rq_queue", scene.store.keys.queue("a")), scene.ids["queued"]), "places", "queued and queued", "queued", "a"),
    "one that is queued without a reservation": Plant(drop_reservation("queued", "a"), "reservations", "has no reservation", "queued", "a"),
    "one that runs without a reservation": Plant(drop_reservation("runs", "a"), "reservations", "has no reservation", "runs", "a"),
    "one that is said to run and does not": Plant(lambda scene: scene.redis.zrem(scene.key("running", "a"), scene.reservation("runs")), "places", "stands nowhere", "runs", "a"),
    "a wip entry of nothing that runs": Plant(lambda scene: scene.redis.zadd(scene.key("rq_wip", scene.store.keys.queue("a")), {f"{scene.ids['queued']}:9": 5}), "places", "RQ's registry", "queued", "a"),
    "one of which RQ does not know that it waits": Plant(lambda scene: scene.redis.zrem(scene.key("rq_deferred", scene.store.namespace), scene.ids["waits"]), "places", "deferred jobs", "waits"),
    "one in a line and at another rank": Plant(lambda scene: scene.redis.hset(scene.key("rq_job", scene.ids["behind"]), "h_rank", 17), "places", "its rank is 17", "behind"),
    "one that is in no line": Plant(lambda scene: scene.redis.zrem(scene.key("shape", line(scene)), scene.ids["behind"]), "places", "not in the line", "behind"),
    "one that is in the line of another shape": Plant(lambda scene: scene.redis.zadd(scene.key("shape", "cpu=1,slots=10000"), {scene.ids["behind"]: 5}), "places", "it stands in a line", "behind"),
    "one that is deferred and stands nowhere": Plant(lambda scene: scene.redis.zrem(scene.key("dependents", scene.ids["waits"]), scene.ids["deferred"]), "places", "it is deferred (deferred) and stands nowhere", "deferred"),
    "one that is deferred for what it does not depend on": Plant(lambda scene: scene.redis.zadd(scene.key("dependents", scene.ids["queued"]), {scene.ids["deferred"]: 5}), "places", "among those that depend on another", "deferred"),
    "one that has miscounted what it waits for": Plant(lambda scene: scene.redis.hset(scene.key("rq_job", scene.ids["deferred"]), "h_to_come", 5), "places", "it waits for 1 others, and has counted 5", "deferred"),
    # Lines.
    "a head of another rank": Plant(head_of("heads"), "lines", "its head in `heads`", "waits"),
    "a front of another rank": Plant(head_of("fronts"), "lines", "in `fronts`", "waits"),
    "a note of another head": Plant(lambda scene: scene.redis.hset(scene.key("notes"), line(scene), "ghost|1|1|1|1|1|"), "lines", "noted of its head", "waits"),
    "a need that is not so": Plant(head_of("need", "cpu"), "lines", "what it needs", "waits", "", ("cpu",)),
    "a line of nobody": Plant(lambda scene: scene.redis.zadd(scene.key("heads"), {"cpu=5,slots=10000": 5}), "lines", "nobody stands in it"),
    "a line that nobody knows of": Plant(lambda scene: scene.redis.zrem(scene.key("shapes"), line(scene)), "lines", "`shapes` does not name it", "waits"),
    "nodes that could hold it": Plant(lambda scene: scene.redis.hset(scene.key("able"), line(scene), 9), "lines", "how many nodes could hold", "", "", ("nodes",)),
    "a hold for nobody": Plant(lambda scene: scene.redis.zadd(scene.key("holds"), {"b": 17}), "lines", "`holds` says", "", "b"),
    "a function that waits and fits": Plant(lambda scene: scene.redis.hset(scene.key("node", "b"), "cap:cpu", 900000), "room", "it waits and fits on the node", "waits", "b"),
    # Runs.
    "a run that counts wrong": Plant(set_field("run", "{run}", "n_finished", 1), "runs", "has not counted its ends right", "", "", ("functions",)),
    "a dependency too many": Plant(set_field("run_missing", "{run}", "2", 2), "runs", "how many of its dependencies", "{run}-2", "", ("dependencies",)),
    "a run that does not know of its function": Plant(lambda scene: scene.redis.srem(scene.key("run_active", scene.ids["run"]), "1"), "runs", "has not counted", "", "", ("functions",)),
    "a run that has lost its limit": Plant(lambda scene: scene.redis.hdel(scene.key("node", "*"), f"cap:run.{scene.ids['run']}"), "runs", "has no limit", "", "*"),
    "a limit of no run": Plant(set_field("node", "*", f"cap:run.{'0' * 32}", 10000), "runs", "that run has ended", "", "*"),
    # Keys.
    "a timer for nothing": Plant(lambda scene: scene.redis.zadd(scene.key("timers"), {"run|ghost": 2e12}), "keys", "timer run|ghost is for no run that it could be about"),
    "a drain of nobody": Plant(lambda scene: scene.redis.zadd(scene.key("timers"), {"drain|b": 2e12}), "keys", "timer drain|b is for a node that is not drained", "", "b"),
    "a key of a node that is gone": Plant(lambda scene: scene.redis.hset(scene.key("node", "ghost"), "state", "up"), "keys", "a node that is not there", "", "ghost"),
    "a key of a run that is gone": Plant(lambda scene: scene.redis.sadd(scene.key("run_active", "ghost"), "1"), "keys", "is of a run that is not there"),
    "a stream of parts that does not expire": Plant(lambda scene: scene.redis.xadd(scene.key("parts", "ghost"), {"data": "x"}), "keys", "`parts:ghost` does not expire"),
    "samples that do not expire": Plant(set_field("learned", "tasks:f", "3", "1,2,3,4,5"), "keys", "`learned:tasks:f` does not expire, and what is learned has to"),
    "durations that do not expire": Plant(set_field("took", "tasks:f", "77", "5"), "keys", "`took:tasks:f` does not expire"),
    "names of samples that do not expire": Plant(lambda scene: scene.redis.zadd(scene.key("learners"), {"tasks:f": 2e12}), "keys", "`learners` does not expire"),
    "a sample that nobody can read": Plant(set_field("learned", "tasks:f", "3", "1,2"), "keys", "`learned:tasks:f` has an entry '3' that nobody reads"),
    "a sample of no attempt": Plant(set_field("learned", "tasks:f", "x", "1,2,3,4,5"), "keys", "has an entry 'x' that nobody reads"),
    "a duration that nobody can read": Plant(set_field("took", "tasks:f", "77", "soon"), "keys", "`took:tasks:f` has an entry '77' that nobody reads"),
    "more durations than are kept": Plant(lambda scene: scene.redis.hset(scene.key("took", "tasks:f"), mapping={str(id): 5 for id in range(513)}), "keys", "`took:tasks:f` has 513 entries, and no more than 512 are kept"),
    "a log that does not expire": Plant(lambda scene: scene.redis.xadd(scene.key("output", scene.ids["runs"]), {"data": "x"}), "keys", "does not expire, and what a function tells has to"),
    "a bitmap that outlived its script": Plant(add_key("scratch", "1"), "keys", "outlived its script"),
    "a key of another type": Plant(lambda scene: (scene.redis.delete(scene.key("leases")), scene.redis.set(scene.key("leases"), "x")), "keys", "of another type"),
    "a node without a hash": Plant(lambda scene: scene.redis.delete(scene.key("node", "b")), "keys", "its hash is gone", "", "b"),
    "dependents that would wait for ever": Plant(lambda scene: scene.redis.zrem(scene.key("awaited"), scene.ids["waits"]), "keys", "is of what nobody looks at"),
    "a line under another key": Plant(lambda scene: scene.redis.zadd(scene.key("shape", "cpu=7,slots=10000"), {scene.ids["waits"]: 5}), "lines", "a line that nobody knows of"),
}  # fmt: skip


@pytest.mark.parametrize("name", PLANTED)
def test_what_was_made_wrong_is_found_with_whose_it_is_and_how_much(scene: Scene, name: str) -> None:
    assert_found(scene, PLANTED[name])


def test_nothing_is_found_where_nothing_is_wrong(scene: Scene) -> None:
    check_books(scene.store)

    assert scene.examine() == []


def test_the_limit_of_one_that_rq_deleted_is_no_fault_of_another_of_its_id(scene: Scene) -> None:
    scene.redis.delete(scene.key("rq_job", scene.ids["limited"]))
    scene.cluster.enqueue("tasks:work", cost={"cpu": 1}, node="a", job_id=scene.ids["limited"])
    scene.agent.take(room=2)
    tick(scene.store)

    assert f"expire|{scene.ids['limited']}".encode() in scene.redis.zrange(scene.key("timers"), 0, -1)
    assert scene.job("limited")["status"] == "started"
    check_books(scene.store)
    assert scene.examine() == []


def test_what_is_found_on_a_live_server_fails_the_check_of_the_tests_too(scene: Scene) -> None:
    leak(scene)

    with pytest.raises(AssertionError, match=r"reservations: node a, job ghost: it has a reservation"):
        check_books(scene.store)
