"""What is wrong with what stands beside a node's books, or with what all nodes share, is found."""

from __future__ import annotations

from typing import Any

import pytest

from doctor.conftest import Scene
from doctor.plants import Plant, assert_found, set_bit, set_field

CLASS = "cpu=40000,gpu#idle=2,gpu#share=10000,slots=1000000000000000@zone=x"


def rewrite(scene: Scene, node: str, id: str, old: str, new: str) -> None:
    """Change the record of a reservation."""
    key = scene.key("reservations", node)
    record = scene.redis.hget(key, id).decode()
    assert old in record
    scene.redis.hset(key, id, record.replace(old, new))


def reserve_more_of_a_device(scene: Scene) -> None:
    rewrite(scene, "a", scene.reservation("runs"), "gpu:0=5000", "gpu:0=15000")


def share_a_device_in_two_ways(scene: Scene) -> None:
    scene.cluster.register_node("d", {"gpu": 1}, device_memory={"gpu": 24000})
    id = scene.cluster.tracker.request("d", {"gpu_memory": 6000}).id
    rewrite(scene, "d", id, "gpu:0=60000000m", "gpu:0=5000,0=60000000m")


def be_held(node: str, job: str, lacks: str, *, noted: bool = True) -> Any:
    """As if a node were held for a job."""

    def do(scene: Scene) -> None:
        id = scene.ids.get(job, job)
        rank = int(scene.redis.zscore(scene.key("waiting"), id) or 17)
        scene.redis.hset(scene.key("node", node), "hold", f"{rank}|{id}|{lacks}")
        if noted:
            scene.redis.zadd(scene.key("holds"), {node: rank})
        scene.redis.setbit(scene.key("hold_bits"), "abc".index(node), 1)

    return do


def know_a_worker(scene: Scene) -> None:
    key = scene.key("rq_worker", scene.store.keys.queue("b"))
    scene.redis.hset(key, "queues", scene.store.keys.queue("b"))
    scene.redis.sadd(scene.key("rq_workers"), key)


PLANTED = {
    "a node that has lost devices": Plant(set_field("node", "a", "cap:gpu", 30000), "amounts", "not as much as its devices", "", "a", ("gpu",)),
    "more of a device than there is": Plant(reserve_more_of_a_device, "amounts", "more of a device is reserved", "", "a", ("gpu 0",)),
    "a device by shares and by memory": Plant(share_a_device_in_two_ways, "amounts", "shares and memory at once", "", "d", ("gpu_memory 0",)),
    "more reserved than it has": Plant(set_field("node", "b", "cap:cpu", 5000), "amounts", "it says that all fits, which is not so", "", "b"),
    "a shared hash that is gone": Plant(lambda scene: scene.redis.delete(scene.key("node", "*")), "amounts", "the hash of what all nodes share is gone though something", "", "*"),
    "a shared hash of nothing": Plant(lambda scene: (scene.redis.delete(scene.key("node", "*"), scene.key("reservations", "*")), scene.redis.hset(scene.key("node", "*"), "hold", "")), "amounts", "is there though nothing is shared", "", "*"),
    "what is shared that is no number": Plant(set_field("node", "*", "used:license", "x"), "amounts", "what all nodes share cannot be read", "", "*"),
    "a label that nobody counts": Plant(lambda scene: scene.redis.hdel(scene.key("labels"), "zone=x"), "index", "nobody knows of its label zone=x", "", "a"),
    "a class that does not name it": Plant(lambda scene: scene.redis.zrem(scene.key("class", CLASS), "a"), "index", "does not name it", "", "a"),
    "a class without its bit": Plant(set_bit("alike", 0, 0, CLASS), "index", "has no bit for it", "", "a"),
    "a node that stands in another's class": Plant(lambda scene: scene.redis.zadd(scene.key("class", CLASS), {"b": 0}), "index", "which it does not say", "", "b"),
    "a node without its lease": Plant(lambda scene: scene.redis.zrem(scene.key("leases"), "a"), "index", "it has no lease, which is not as its state says", "", "a"),
    "a node that is up and given back": Plant(lambda scene: scene.redis.zadd(scene.key("abandoned"), {"b": 5}), "index", "about to be given back though it is up", "", "b"),
    "a hold of another rank": Plant(be_held("b", "waits", "cpu", noted=False), "lines", "and `holds` says none", "waits", "b"),
    "a hold on a node that is drained": Plant(be_held("c", "waits", "cpu"), "lines", "held though nothing may be placed", "waits", "c"),
    "a hold for nobody who waits": Plant(be_held("b", "queued", "cpu"), "lines", "a job that does not wait", "queued", "b"),
    "a hold for what it does not ask for": Plant(be_held("b", "waits", "gpu"), "lines", "it is held for gpu, which the job does not ask for", "waits", "b"),
    "a worker of nobody": Plant(know_a_worker, "keys", "no agent has that node", "", "b"),
    "an index where no node is": Plant(lambda scene: scene.redis.delete(scene.key("nodes")), "keys", "`live` is there, and no node is"),
    "a plane of no index": Plant(set_bit("plane", 0, 1, "free:nothing:0"), "keys", "an index that is not there"),
    "a label that no node has": Plant(set_bit("label", 1, 1, "zone=q"), "keys", "of a label that no node has"),
    "a unique key of nobody": Plant(set_field("unique", "", "order-17", "ghost"), "keys", "is that of a function that has ended", "ghost"),
    "a claim that is to end and is none": Plant(lambda scene: scene.redis.zadd(scene.key("claim_ends"), {"~ghost": 2e12}), "reservations", "is to end, and there is none"),
}  # fmt: skip


@pytest.mark.parametrize("connection", ["real"], indirect=True)
@pytest.mark.parametrize("name", PLANTED)
def test_what_was_made_wrong_beside_a_node_is_found(scene: Scene, name: str) -> None:
    assert_found(scene, PLANTED[name])
