"""What is told of a function that does not wait; the same keys in every state."""

from __future__ import annotations

import json
from dataclasses import fields

import pytest

from handoff.client.cluster import Cluster
from handoff.errors import UnknownFunction
from handoff.ledger.housekeeping import tick
from handoff.why.explain import explain
from handoff.why.explanation import Explanation
from handoff.words.variants import After
from support.agent import FakeAgent, failure, ok
from support.explaining import ask, pass_s, why


class TestWhatDoesNotWait:
    def test_of_what_is_queued_or_runs_is_told_what_it_holds_and_since_when(self, cluster: Cluster) -> None:
        agent = FakeAgent(cluster.store, "a", {"cpu": 4, "gpu": 2}).register()
        cluster.share({"license": 1})
        handle = ask(cluster, cost={"cpu": 1, "gpu": 0.5, "license": 1})
        queued = why(cluster, handle)
        pass_s(cluster, 2)
        agent.take()

        started = why(cluster, handle)

        assert (queued.state, started.state) == ("queued", "started")
        assert started.text == "runs on a, gpu 0"
        (holder,) = started.holders
        assert (holder["id"], holder["node"], holder["seconds"]) == (handle.id, "a", 2.0)
        assert holder["amounts"] == {"cpu": 1, "gpu": 0.5, "license": 1, "slots": 1}

    def test_of_what_is_delayed_is_told_until_when(self, cluster: Cluster) -> None:
        found = why(cluster, ask(cluster, delay=90))

        assert found.state == "delayed"
        assert found.waits_for == [{"kind": "time", "until": "2023-11-14T22:14:50.000+00:00", "seconds": 90.0}]
        assert found.text == "is delayed until 2023-11-14T22:14:50.000+00:00, which is in 90 s"

    def test_of_what_is_to_be_tried_again_is_told_when(self, cluster: Cluster) -> None:
        agent = FakeAgent(cluster.store, "a", {"cpu": 4}).register()
        handle = ask(cluster, max_retries=1)
        (started,) = agent.take()
        agent.finish(failure(started.id))

        found = why(cluster, handle)

        assert found.text == "attempt 1 of 2 failed with builtins.ValueError: no; the next one is due in 1.0 s"
        assert [entry["seconds"] for entry in found.waits_for] == [1.0]

    def test_of_an_attempt_that_was_lost_the_node_is_told_to_who_may_know(self, cluster: Cluster) -> None:
        agent = FakeAgent(cluster.store, "a", {"cpu": 4}).register()
        handle = ask(cluster, max_retries=2)
        agent.take()
        cluster.deregister_node("a")

        found = why(cluster, handle)

        assert found.text == "attempt 1 of 3 failed, for node a was deregistered; the next one is due in 1.0 s"
        assert found.own_text == "attempt 1 of 3 failed, for its node was lost; the next one is due in 1.0 s"

    def test_of_what_is_stopped_because_its_node_is_drained_that_is_said(self, cluster: Cluster) -> None:
        agent = FakeAgent(cluster.store, "a", {"cpu": 4}, lease_ms=60_000).register()
        handle = ask(cluster)
        agent.take()
        cluster.drain("a", deadline=1)
        pass_s(cluster, 2)
        tick(cluster.store)

        assert why(cluster, handle).text == "runs on a, and is being stopped, for the node is drained"

    def test_of_what_has_ended_is_told_how(self, cluster: Cluster) -> None:
        agent = FakeAgent(cluster.store, "a", {"cpu": 4}).register()
        finished, failed, canceled = (ask(cluster) for _ in range(3))
        canceled.cancel()
        ids = {started.job_id: started.id for started in agent.take(2)}
        agent.finish(ok(ids[finished.id]), failure(ids[failed.id]))

        texts = [why(cluster, handle).text for handle in (finished, failed, canceled)]

        assert texts == [
            "finished on a",
            "failed on a after 1 attempt with builtins.ValueError: no",
            "canceled before it started",
        ]

    def test_one_that_nobody_submitted_is_unknown(self, cluster: Cluster) -> None:
        with pytest.raises(UnknownFunction, match="nobody"):
            explain(cluster.store, "nobody")


def test_the_keys_are_the_same_in_every_state_and_all_of_it_is_json(cluster: Cluster) -> None:
    cluster.register_node("a", {"cpu": 4, "gpu": 2})
    handles = [
        ask(cluster, cost={"cpu": 4}),
        ask(cluster, cost=[{"cpu": 4}, After(5, {"gpu": 1})]),
        ask(cluster, cost={"cpu": 3}),
        ask(cluster, cost={"cpu": 9}),
        ask(cluster, delay=5),
    ]

    dicts = [why(cluster, handle).to_dict() for handle in handles]

    names = [field.name for field in fields(Explanation)]
    assert all(list(each) == names for each in dicts)
    assert [each["state"] for each in dicts] == ["queued", "waiting", "waiting", "infeasible", "delayed"]
    assert json.loads(json.dumps(dicts, allow_nan=False)) == dicts
    changes = [each["smallest_change"] for each in dicts if each["smallest_change"]]
    assert len({change["kind"] for change in changes}) == len(changes) == 3
    assert len({tuple(change) for change in changes}) == 1
