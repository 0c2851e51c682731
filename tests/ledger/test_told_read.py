"""What a function tells is read while it runs, and afterwards as far as it is kept."""

from __future__ import annotations

import itertools

import pytest

from handoff.client.cluster import Cluster
from handoff.errors import FunctionCanceled, FunctionFailed, UnknownFunction
from handoff.ledger.stream import StreamBehind, StreamRestarted
from handoff.serializer import Serializer
from support.agent import FakeAgent, failure, killed, ok
from support.told import retry, start

START_MS = 1_900_000_000_000


@pytest.fixture
def agent(cluster: Cluster) -> FakeAgent:
    cluster.store.now_ms = START_MS
    return FakeAgent(cluster.store, "a", {"cpu": 2}, lease_ms=100_000).register()


def say(agent: FakeAgent, id: str, *texts: str, begin: int = 0) -> None:
    ends = itertools.accumulate((len(text.encode()) for text in texts), initial=begin)
    agent.tell(*((id, "output", end, text.encode()) for end, text in zip(list(ends)[1:], texts, strict=True)))


def give(agent: FakeAgent, id: str, *parts: object, first: int = 1) -> None:
    agent.tell(*((id, "part", number, Serializer.dumps(part)) for number, part in enumerate(parts, first)))


class TestLogs:
    def test_nothing_is_what_a_function_has_printed_that_has_not(self, cluster: Cluster, agent: FakeAgent) -> None:
        handle, _ = start(cluster, agent)

        assert handle.logs() == ""

    def test_what_was_printed_is_read_as_it_was(self, cluster: Cluster, agent: FakeAgent) -> None:
        handle, id = start(cluster, agent)
        say(agent, id, "begun\nha", "lf\n", "end")

        assert handle.logs() == "begun\nhalf\nend"

    def test_a_character_may_come_in_two_pieces(self, cluster: Cluster, agent: FakeAgent) -> None:
        handle, id = start(cluster, agent)
        agent.tell((id, "output", 2, b"a\xc3"), (id, "output", 3, b"\xa9"), (id, "output", 4, b"\xc3"))

        assert handle.logs() == "a\xe9\N{REPLACEMENT CHARACTER}"

    def test_a_line_says_how_much_is_left_out(self, cluster: Cluster, agent: FakeAgent) -> None:
        handle, id = start(cluster, agent)
        say(agent, id, "first\nhalf")
        say(agent, id, "last\n", begin=1000)

        assert handle.logs() == "first\nhalf\n[990 bytes are left out]\nlast\n"

    def test_of_several_attempts_each_is_named(self, cluster: Cluster, agent: FakeAgent) -> None:
        handle, id = start(cluster, agent, max_retries=1)
        say(agent, id, "no\n")
        say(agent, retry(cluster, agent, id), "yes\n")

        assert handle.logs() == "no\n[attempt 2]\nyes\n"

    def test_lines_are_given_when_they_are_complete_and_the_last_at_the_end(
        self, cluster: Cluster, agent: FakeAgent
    ) -> None:
        handle, id = start(cluster, agent)
        lines = handle.logs(follow=True)
        say(agent, id, "one\ntw")
        assert next(lines) == "one"

        say(agent, id, "o\n\nthree", begin=6)

        assert [next(lines), next(lines)] == ["two", ""]
        agent.finish(failure(id))
        assert list(lines) == ["three"]

    def test_of_a_function_that_is_unknown_there_are_none(self, cluster: Cluster) -> None:
        with pytest.raises(UnknownFunction):
            cluster.handle("never").logs()


class TestStreams:
    def test_parts_are_given_as_they_come_and_the_end_with_the_function(
        self, cluster: Cluster, agent: FakeAgent
    ) -> None:
        handle, id = start(cluster, agent)
        parts = handle.stream()
        give(agent, id, {"a": 1})
        assert next(parts) == {"a": 1}

        give(agent, id, 2, None, first=2)
        agent.finish(ok(id, "all"))

        assert list(parts) == [2, None]
        assert handle.result() == "all"

    def test_who_comes_later_is_given_all_that_is_kept(self, cluster: Cluster, agent: FakeAgent) -> None:
        handle, id = start(cluster, agent)
        give(agent, id, 1, 2, 3)
        agent.tell((id, "kept", 2, ""))
        agent.finish(ok(id))

        assert list(handle.stream()) == [2, 3]
        assert list(cluster.handle(handle.id).stream()) == [2, 3]

    def test_it_ends_as_the_function_did(self, cluster: Cluster, agent: FakeAgent) -> None:
        handle, id = start(cluster, agent)
        give(agent, id, 1)
        agent.finish(failure(id, "no more"))
        parts = handle.stream()
        assert next(parts) == 1

        with pytest.raises(FunctionFailed, match="no more"):
            next(parts)

    def test_it_ends_where_the_function_is_canceled(self, cluster: Cluster, agent: FakeAgent) -> None:
        handle, id = start(cluster, agent)
        give(agent, id, 1)
        parts = handle.stream()
        next(parts)
        handle.cancel()
        agent.finish(killed(id))

        with pytest.raises(FunctionCanceled):
            next(parts)

    def test_who_is_further_behind_than_what_is_kept_is_told_so(self, cluster: Cluster, agent: FakeAgent) -> None:
        handle, id = start(cluster, agent)
        parts = handle.stream()
        give(agent, id, 1)
        next(parts)
        give(agent, id, 2, 3, 4, first=2)
        agent.tell((id, "kept", 4, ""))

        with pytest.raises(StreamBehind) as raised:
            next(parts)

        assert raised.value.missed == 2

    def test_a_retry_is_told_and_begins_anew(self, cluster: Cluster, agent: FakeAgent) -> None:
        handle, id = start(cluster, agent, max_retries=1)
        parts = handle.stream()
        give(agent, id, "a", "b")
        assert next(parts) == "a"
        again = retry(cluster, agent, id)
        give(agent, again, "c")
        assert next(parts) == "b"

        with pytest.raises(StreamRestarted) as raised:
            next(parts)

        assert raised.value.attempt == 2
        agent.finish(ok(again))

    def test_who_wants_that_goes_on_with_the_new_attempt(self, cluster: Cluster, agent: FakeAgent) -> None:
        handle, id = start(cluster, agent, max_retries=1)
        parts = handle.stream(restart=True)
        give(agent, id, "a", "b")
        assert [next(parts), next(parts)] == ["a", "b"]
        again = retry(cluster, agent, id)
        give(agent, again, "A", "B", "C")
        agent.finish(ok(again))

        assert list(parts) == ["A", "B", "C"]

    def test_a_retry_that_yields_nothing_is_told_at_the_end(self, cluster: Cluster, agent: FakeAgent) -> None:
        handle, id = start(cluster, agent, max_retries=1)
        give(agent, id, "a")
        agent.finish(ok(retry(cluster, agent, id)))

        parts = handle.stream()
        assert next(parts) == "a"
        with pytest.raises(StreamRestarted):
            next(parts)
        assert list(handle.stream(restart=True)) == ["a"]

    def test_who_goes_on_with_a_new_attempt_is_told_what_is_gone_of_that(
        self, cluster: Cluster, agent: FakeAgent
    ) -> None:
        handle, id = start(cluster, agent, max_retries=1)
        parts = handle.stream(restart=True)
        give(agent, id, "a")
        next(parts)
        again = retry(cluster, agent, id)
        give(agent, again, "A", "B")
        agent.tell((again, "kept", 2, ""))

        with pytest.raises(StreamBehind):
            next(parts)

    def test_what_an_earlier_function_of_its_id_has_told_is_not_its_own(
        self, cluster: Cluster, agent: FakeAgent
    ) -> None:
        handle, id = start(cluster, agent, job_id="f")
        give(agent, id, "old")
        say(agent, id, "old")
        agent.finish(ok(id))
        handle.job.delete()
        handle, id = start(cluster, agent, job_id="f")
        assert handle.logs() == ""

        give(agent, id, "new")
        say(agent, id, "new")
        agent.finish(ok(id))

        assert (list(handle.stream()), handle.logs()) == (["new"], "new")
