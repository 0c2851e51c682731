"""A failed attempt is tried again as often as was asked, later each time."""

from __future__ import annotations

from handoff.client.cluster import Cluster
from support.agent import FakeAgent, failure, ok
from support.submits import later, run, submit


class TestRetries:
    def test_a_failed_attempt_is_retried_after_a_delay_that_doubles(self, cluster: Cluster, agent: FakeAgent) -> None:
        handle = submit(cluster, cost={"cpu": 2}, max_retries=3)
        delays = []

        for _ in range(3):
            assert run(agent, failure) == ["retrying"]
            assert (handle.status, handle.node) == ("delayed", None)
            due = cluster.connection.zscore(cluster.store.keys("delayed"), handle.id)
            assert due is not None
            delays.append(due - cluster.store.now_ms)
            later(cluster, (delays[-1] - 1) / 1000)
            agent.beat()
            assert (handle.status, agent.take()) == ("delayed", [])
            later(cluster, 0.001)
            assert handle.status == "queued"

        assert delays == [1000, 2000, 4000]
        assert run(agent, failure) == ["failed"]
        assert (handle.status, handle.attempts) == ("failed", 4)

    def test_no_delay_is_longer_than_a_minute_but_for_its_jitter(self, cluster: Cluster, agent: FakeAgent) -> None:
        agent.lease_ms = 10**9
        agent.register()
        handle = submit(cluster, max_retries=9)

        for _ in range(8):
            run(agent, failure)
            later(cluster, 60)
        run(agent, lambda id: failure(id, jitter=1.2))

        assert cluster.connection.zscore(cluster.store.keys("delayed"), handle.id) == cluster.store.now_ms + 72_000

    def test_seconds_that_are_given_pass_between_attempts_and_the_last_of_them_between_all_others(
        self, cluster: Cluster, agent: FakeAgent
    ) -> None:
        agent.lease_ms = 10**9
        agent.register()
        handle = submit(cluster, max_retries=4, retry_after=[0.5, 90, 3])
        delays = []

        for _ in range(4):
            run(agent, lambda id: failure(id, jitter=1.2))
            due = cluster.connection.zscore(cluster.store.keys("delayed"), handle.id)
            assert due is not None
            delays.append(due - cluster.store.now_ms)
            later(cluster, delays[-1] / 1000)
            agent.beat()

        assert delays == [500, 90_000, 3000, 3000]

    def test_one_that_is_lost_comes_again_after_the_same_seconds(self, cluster: Cluster, agent: FakeAgent) -> None:
        handle = submit(cluster, max_retries=1, retry_after=7)
        agent.take()
        cluster.deregister_node(agent.name)

        due = cluster.connection.zscore(cluster.store.keys("delayed"), handle.id)

        assert due == cluster.store.now_ms + 7000

    def test_without_a_pause_it_waits_again_as_soon_as_somebody_looks(self, cluster: Cluster, agent: FakeAgent) -> None:
        handle = submit(cluster, max_retries=1, retry_after=0)

        run(agent, failure)
        later(cluster, 0)

        assert handle.status == "queued"

    def test_the_room_of_a_delayed_function_goes_to_others(self, cluster: Cluster, agent: FakeAgent) -> None:
        delayed = submit(cluster, cost={"cpu": 2}, max_retries=1)
        other = submit(cluster, cost={"cpu": 2})

        run(agent, failure)
        later(cluster, 1)

        assert (delayed.status, other.status) == ("waiting", "queued")

    def test_what_would_fail_the_same_way_again_is_not_retried(self, cluster: Cluster, agent: FakeAgent) -> None:
        handle = submit(cluster, max_retries=3)

        assert run(agent, lambda id: failure(id, retryable=False)) == ["failed"]

        assert (handle.status, handle.attempts) == ("failed", 1)

    def test_without_max_retries_the_first_failure_is_the_last(self, cluster: Cluster, agent: FakeAgent) -> None:
        handle = submit(cluster)

        assert run(agent, failure) == ["failed"]

        assert handle.attempts == 1

    def test_a_retry_that_succeeds_gives_its_value(self, cluster: Cluster, agent: FakeAgent) -> None:
        handle = submit(cluster, max_retries=1)
        run(agent, failure)
        later(cluster, 1)

        assert run(agent, lambda id: ok(id, "second")) == ["stored"]

        assert (handle.result(timeout=0), handle.attempts, handle.status) == ("second", 2, "finished")

    def test_a_retry_may_go_to_another_node(self, cluster: Cluster, agent: FakeAgent) -> None:
        handle = submit(cluster, cost={"cpu": 2}, max_retries=1)
        run(agent, failure)
        cluster.register_node("b", {"cpu": 2})
        cluster.tracker.request("a", {"cpu": 1})

        later(cluster, 1)

        assert handle.node == "b"
