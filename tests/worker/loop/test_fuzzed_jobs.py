"""A few of the changes of `scripts/fuzz --stored`, of which many more are made by hand."""

from __future__ import annotations

import random

import pytest
import redis

from support.fuzz.stored import AgentPlace, try_child

SEED = 1


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("connection", ["real"], indirect=True)
def test_an_agent_goes_on_whatever_stands_in_what_it_reads(connection: redis.Redis) -> None:
    place = AgentPlace(connection)

    tried = [(number, *place.try_one(random.Random(f"{SEED}/{number}"))) for number in range(60)]

    assert [f"--stored --seed {SEED} --first {each}: {what}: {fault}" for each, what, fault in tried if fault] == []


@pytest.mark.filterwarnings("ignore")
def test_a_child_answers_whatever_stands_in_its_job() -> None:
    assert [number for number in range(400) if try_child(random.Random(number))] == []
