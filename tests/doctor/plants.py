"""What is made wrong by hand in a scene, and what is to be told of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from doctor.conftest import Scene


class Plant(NamedTuple):
    """Makes one thing wrong; what is to be told of it."""

    do: Callable[[Scene], object]
    rule: str
    says: str
    job: str = ""
    node: str = ""
    amounts: tuple[str, ...] = ()


def set_bit(key: str, position: int, bit: int, of: str = "") -> Callable[[Scene], object]:
    return lambda scene: scene.redis.setbit(scene.key(key, of), position, bit)


def set_field(key: str, of: str, field: str, value: object) -> Callable[[Scene], object]:
    return lambda scene: scene.redis.hset(scene.key(key, of.format(**scene.ids)), field.format(**scene.ids), value)


def add_key(name: str, of: str = "") -> Callable[[Scene], object]:
    return lambda scene: scene.redis.set(scene.key(name, of), "x")


def assert_found(scene: Scene, plant: Plant) -> None:
    """Make it wrong, and see that told which it is, with whose it is and how much."""
    job, is_there = plant.job.format(**scene.ids), plant.do(scene)

    found = [
        violation for violation in scene.examine() if violation.rule == plant.rule and plant.says in str(violation)
    ]

    assert found, "\n".join(map(str, scene.examine())) or is_there
    told = {(each.job, each.node) for each in found}
    assert (scene.ids.get(job, job), plant.node) in told
    assert any(set(plant.amounts) <= {*each.amounts} for each in found)
