"""Random operations on the ledger against the oracle, with all books checked after every step, on both servers."""

from __future__ import annotations

from typing import Any

import fakeredis
import pytest
import redis
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule, run_state_machine_as_test

from support.books import check_ledger
from support.ledger import read_ledger
from support.machine.claims import Claims
from support.machine.clock import Clock
from support.machine.draws import Offer
from support.machine.functions import Functions
from support.machine.nodes import Nodes
from support.machine.rq_tools import RqTools
from support.machine.views import expected, seen
from support.thorough import THOROUGH

WEIGHTS = {
    "submit": 16, "submit_under_a_taken_id": 1, "take": 6, "finish": 9, "cancel": 4,
    "request": 4, "allocate": 2, "release": 4, "look": 1,
    "register_static": 1, "register_agent": 3, "deregister": 1, "beat": 6, "quiet": 1, "drain": 2, "undrain": 2,
    "share": 2, "limit_overtaking": 1,
    "let_time_pass": 2, "step_the_clock": 4, "set_the_clock_back": 1, "flush_the_scripts": 1,
    "let_rq_cancel": 2, "let_rq_delete": 1, "delete_a_hash": 1, "take_off_a_queue": 1, "empty_a_queue": 1,
}  # fmt: skip

OPERATIONS = [name for name, weight in WEIGHTS.items() for _ in range(weight)]


class LedgerMachine(Nodes, Functions, Claims, Clock, RqTools):
    """Clients, agents, the clock and rq's tools, one operation after another.

    The operations are one rule with weights of their own: with a rule for each, Hypothesis leaves half of them out of
    every run, and hardly any has the four that it takes to bring a function to its end.
    """

    @initialize(again=st.booleans(), most=st.sampled_from([1, 2, 100]))
    def begin(self, again: bool, most: int) -> None:
        self.store.again = again
        self.agents[0].external = self.agents[1].external = {"cpu": 0.5}, {}
        self._come_up(self.agents[0], Offer({"cpu": 2, "gpu": 2, "slots": 3}, {"zone": "x"}, {"gpu": 10000}))
        self._come_up(self.agents[1], Offer({"cpu": 2, "fpga": [0, 7], "slots": 3}, {"zone": "y"}))
        self._register("d", Offer({"cpu": 1}))
        self._share({"license": 2, "seat": 1})
        self._limit(most, 5)
        self._settle()

    @rule(operation=st.sampled_from(OPERATIONS), data=st.data())
    def operate(self, operation: str, data: st.DataObject) -> None:
        getattr(self, operation)(data)

    @invariant()
    def agrees(self) -> None:
        ledger = read_ledger(self.store)
        self.story.read({job.id for job in self.oracle.touched})
        self.oracle.touched = {job for job in self.oracle.touched if self._is_traced(ledger, job)}
        check_ledger(ledger, {job.id for job in self.oracle.touched})
        assert seen(ledger) == expected(self.oracle)


@pytest.mark.slow
@pytest.mark.timeout(7200 if THOROUGH else 900)
def test_the_ledger_decides_as_the_oracle_says(database: redis.Redis) -> None:
    machine: Any = lambda: LedgerMachine(database)  # noqa: E731 - Hypothesis makes one for each example
    run_state_machine_as_test(
        machine,
        settings=settings(
            # The same walks every time, but where one asks for a search.
            derandomize=not THOROUGH,
            # To make one smaller may take longer than all the rest.
            phases=list(Phase) if THOROUGH else [Phase.explicit, Phase.generate],
            max_examples=3000 if THOROUGH else 8 if isinstance(database, fakeredis.FakeRedis) else 45,
            stateful_step_count=60 if THOROUGH else 40,
            deadline=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
