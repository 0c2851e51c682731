"""The model of the ledger: what is promised holds in all of its states, and without any one rule it does not."""

from __future__ import annotations

import json
import random

import pytest
from click.testing import CliRunner

from model.explored.__main__ import main
from model.explored.explore import Explorer, first_state
from model.explored.guards import GUARDS
from model.explored.invariants import INVARIANTS
from model.explored.moves import Moves
from model.explored.seen_events import check_end
from model.explored.state import State, compress
from model.explored.worlds import WORLDS
from model.rules import RULES

DEPTHS = {**dict.fromkeys(WORLDS, 5), "everything": 3}
"""Moves; some 2,000 states of all worlds together."""


@pytest.mark.parametrize("world", WORLDS)
def test_what_is_promised_holds_in_the_first_states_of_every_world(world: str) -> None:
    explored = Explorer(WORLDS[world]).explore(DEPTHS[world])

    assert explored.counterexample is None
    assert explored.depth == DEPTHS[world]


@pytest.mark.parametrize("guard", GUARDS)
def test_without_any_one_of_its_rules_something_does_not_hold(guard: str) -> None:
    explored = Explorer(WORLDS[GUARDS[guard].world], guard).explore()

    assert explored.counterexample is not None
    assert explored.counterexample.breaks == GUARDS[guard].breaks
    assert len(explored.counterexample.steps) == explored.depth + 1


def test_what_a_rule_is_there_for_is_a_rule_or_an_invariant() -> None:
    assert {guard.breaks for guard in GUARDS.values()} <= RULES.keys() | INVARIANTS.keys()


@pytest.mark.parametrize("seed", range(20))
def test_wherever_chance_leads_all_functions_end_once_nothing_fails_any_more(seed: int) -> None:
    chance = random.Random(seed)
    world = WORLDS["everything"]
    moves, explorer = Moves(world), Explorer(world)
    frozen = first_state(world).freeze()
    for _ in range(60):
        if possible := moves.all(State.thaw(frozen)):
            frozen = explorer.step(frozen, chance.choice(possible))

    while move := moves.next_without_faults(State.thaw(frozen)):
        frozen = explorer.step(frozen, move)

    end = State.thaw(frozen)
    check_end(end.replay)
    assert {function.state for function in end.functions} <= {"finished", "failed", "canceled"}


def test_a_state_is_the_same_however_often_it_is_kept_and_gone_on_from() -> None:
    world = WORLDS["everything"]
    frozen = first_state(world).freeze()
    for move in (("submit", 0, "fine"), ("exchange", 0, "lost"), ("lapse", 0), ("recover", 0)):
        frozen = Explorer(world).step(frozen, move)

    assert State.thaw(frozen).freeze() == frozen


def test_numbers_are_counted_anew_in_their_order() -> None:
    assert compress({0, 3, 7, 8}, 1) == {0: 0, 3: 1, 7: 2, 8: 3}
    assert compress({0, 3, 7, 8}, 2) == {0: 0, 3: 2, 7: 4, 8: 5}


def test_the_command_tells_the_shortest_way_in_numbered_steps() -> None:
    told = CliRunner().invoke(main, ["--broken", "token"])

    assert told.exit_code == 0
    assert "breaks: one reservation" in told.output
    assert "  1. a client submits f, and the reply is lost\n  2. a client submits f once more\n" in told.output


def test_the_command_fails_where_a_rule_can_be_left_out_and_nothing_shows_it() -> None:
    told = CliRunner().invoke(main, ["--broken", "token", "--depth", "1", "--json"])

    assert told.exit_code == 1
    [one] = json.loads(told.stdout)
    assert one["without"] == "token"
    assert one["counterexample"] is None
