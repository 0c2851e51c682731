"""What clients and agents do to functions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import strategies as st

from handoff.errors import DuplicateFunction, Infeasible, UnknownFunction
from handoff.ledger import functions as work
from handoff.words.constraints import parse_where
from handoff.words.variants import parse_variants
from support.agent import FakeAgent, Result, Stale, Started, failure, killed, ok
from support.machine.both import MOST_UNFINISHED, Both
from support.machine.draws import CALLS, ENDINGS
from support.oracle.model import Job


class Functions(Both):
    """Functions are submitted, taken, ended and canceled."""

    # Functions.

    def submit(self, data: st.DataObject) -> None:
        """Sometimes under the id of one that rq deleted."""
        if len(self._unfinished()) >= MOST_UNFINISHED:
            return
        queued = [job for node in self.oracle.nodes.values() for job in node.queue]
        gone = [job.id for job in self.oracle.jobs.values() if job.state == "gone" and job not in queued]
        self.submitted += 1
        id = data.draw(st.sampled_from([f"j{self.submitted}", *gone]))
        call, preferred = data.draw(CALLS), data.draw(st.sampled_from(["", "", "b", "z"]))
        state = self._foresee(id, call, preferred)
        assert self._submit(id, call, preferred) == state
        self._settle()

    def submit_under_a_taken_id(self, data: st.DataObject) -> None:
        taken = [job.id for job in self.oracle.jobs.values() if job.state != "gone"]
        for id in taken and [data.draw(st.sampled_from(taken))]:
            assert self._submit(id, {"cost": {}}) == "duplicate"

    def take(self, data: st.DataObject) -> None:
        self._exchange(self._agent(data), [], room=3)
        self._settle()

    def finish(self, data: st.DataObject) -> None:
        agent = self._agent(data)
        runs = list(agent.runs)
        ids = data.draw(st.lists(st.sampled_from(runs), min_size=1, max_size=3, unique=True)) if runs else []
        self._exchange(agent, [_result(id, *data.draw(ENDINGS)) for id in ids], room=data.draw(st.integers(0, 2)))
        self._settle()

    def cancel(self, data: st.DataObject) -> None:
        ids = [job.id for job in self._unfinished()] + list(self.oracle.jobs)
        for id in ids and [data.draw(st.sampled_from(ids))]:
            decided = self.oracle.cancel(id)
            if self.oracle.jobs[id].state == "gone":
                with pytest.raises(UnknownFunction):
                    work.cancel(self.store, id)
            else:
                assert work.cancel(self.store, id) == decided
        self._settle()

    def _exchange(self, agent: FakeAgent, results: list[Result], room: int) -> None:
        if self.oracle.owns(agent.name, agent.incarnation):
            jobs = [(self.runs[result.id], result) for result in results]
            outcomes, started = self.oracle.finish(agent.name, jobs, room)
            before = set(agent.runs)
            assert agent.finish(*results, room=room) == outcomes
            self._note([run for id, run in agent.runs.items() if id not in before], started)
        else:
            with pytest.raises(Stale):
                agent.finish(*results, room=room)

    def _note(self, runs: list[Started], started: list[Job]) -> None:
        by_id = {job.id: job for job in started}
        assert {run.job_id for run in runs} == by_id.keys()
        for run in runs:
            assert run.id not in self.runs, f"{run.id} was started twice"
            self.runs[run.id] = by_id[run.job_id]

    def _foresee(self, id: str, call: Mapping[str, Any], preferred: str) -> str:
        unfit = call.get("on_infeasible", "wait")
        unfit = {"wait": math.inf, "raise": 0}.get(unfit, unfit)
        return self.oracle.submit(
            id,
            parse_variants(call["cost"]),
            terms=parse_where(call.get("where"), call["node"]),
            priority=call["priority"],
            retries=call["max_retries"],
            strategy=call.get("strategy", "first_available"),
            preferred=preferred,
            delay_ms=round(call.get("delay", 0) * 1000),
            wait_ms=call.get("wait_ttl", math.inf) * 1000,
            unfit_ms=unfit * 1000,
        )

    def _submit(self, id: str, call: Mapping[str, Any], preferred: str = "") -> str:
        self.chosen.node = preferred or None
        cluster = self.choosing if preferred else self.cluster
        try:
            verdict = cluster.enqueue("module:f", job_id=id, **call).verdict
        except DuplicateFunction:
            return "duplicate"
        except Infeasible:
            return "raised"
        assert verdict is not None
        if verdict.state == "placed":
            assert (verdict.node, verdict.devices) == (self.oracle.jobs[id].node, self.oracle.jobs[id].devices)
        return verdict.state


def _result(id: str, ending: str, jitter: float) -> Result:
    match ending:
        case "ok":
            return ok(id, 1)
        case "killed":
            return killed(id)
        case _:
            return failure(id, retryable=ending == "retryable", jitter=jitter)
