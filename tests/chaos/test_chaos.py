"""Half a minute of the campaign that `scripts/chaos` runs; long ones are run by hand.

What is judged here holds on the busiest machine: rates and recoveries are only told.
"""

from __future__ import annotations

import shlex

import pytest

from campaign.__main__ import main, to_repeat
from campaign.campaigns import Campaign
from campaign.faults import KINDS
from campaign.plan import make_plan
from campaign.shrinking import shortest
from support import need_redis_server

SEED = 7


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_whatever_dies_for_half_a_minute_every_function_ends_once_and_nothing_is_left() -> None:
    need_redis_server()
    told: list[str] = []

    verdict = Campaign(SEED, seconds=30, lease_s=4, rate=6, kinds=KINDS).run(told.append)

    assert verdict.wrong == [], "\n".join([f"scripts/chaos --seed {SEED} --lease 4 --rate 6", *told])
    assert verdict.faults.total() >= 5
    assert verdict.submitted["finished"] > 25
    assert verdict.starts > 5


def test_the_same_seed_makes_the_same_plan() -> None:
    weights = {name: kind.weight for name, kind in KINDS.items()}
    plan = make_plan(1, 180, weights)

    assert plan == make_plan(1, 180, weights)
    assert plan != make_plan(2, 180, weights)
    assert len({planned.kind for planned in plan}) > len(KINDS) / 2
    assert [planned.at_s for planned in plan] == sorted(planned.at_s for planned in plan)


@pytest.mark.parametrize("needed", [0, 1, 37, 100])
def test_the_shortest_list_of_faults_that_fails_is_found(needed: int) -> None:
    asked: list[int] = []

    def fails(count: int) -> bool:
        asked.append(count)
        return count >= needed

    assert shortest(fails, 100) == needed
    assert len(asked) <= 16


def test_what_is_printed_after_a_failure_makes_the_same_faults_again() -> None:
    told = to_repeat(9, 12, seconds=90.0, mode="empty", lease=3.5, rate=12.0, only=("kill child", "drain"))

    assert told.endswith(" --lease 3.5 --rate 12 --only 'kill child' --only drain --faults 12")
    with main.make_context("scripts/chaos", shlex.split(told)[1:]) as context:
        given = {name: context.params[name] for name in ("seeds", "seconds", "mode", "lease", "rate", "only", "first")}
    assert given == {
        "seeds": (9,), "seconds": 90, "mode": "empty", "lease": 3.5, "rate": 12, "only": ("kill child", "drain"),
        "first": 12,
    }  # fmt: skip
