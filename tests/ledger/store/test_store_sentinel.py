"""A master behind real sentinels: how it is found, and what is said where it is not."""

from __future__ import annotations

import contextlib
import math
import socket
import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from types import SimpleNamespace
from typing import Any

import pytest
from rq import Queue
from rq.job import Job

from handoff.client.cluster import Cluster
from handoff.client.handle import Handle
from handoff.errors import StoreUnavailable
from handoff.ledger import sentinels
from handoff.ledger.asking import may_pass
from handoff.ledger.sentinels import BeingReplaced, Sentinels
from handoff.local.server import RedisServer
from support import need_redis_server
from support.agent import FakeAgent, ok
from support.books import check_books
from support.connections import NODE, assert_one_sentence, sentinel_of
from support.sentinels import Watched
from support.waiting import LIMIT_S, wait_until


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """Three sentinels, whose servers stay as they are."""
    need_redis_server()
    with Watched(tmp_path_factory.mktemp("watched"), count=3) as watched:
        yield watched


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """A sentinel that wants a password."""
    need_redis_server()
    with Watched(tmp_path_factory.mktemp("guarded"), sentinel_password="word-of-sentinels") as watched:
        yield watched


@pytest.fixture
def own_watched(tmp_path: Any) -> Iterator[Watched]:
    """One sentinel, whose servers the test may kill."""
    need_redis_server()
    with Watched(tmp_path) as watched:
        yield watched


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that nobody listens on."""
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def fresh(url: str | None = None, **options: Any) -> Cluster:
    return Cluster(url, namespace=f"t{uuid.uuid4().hex[:12]}", **options)


def refusal(url: str) -> StoreUnavailable:
    """What a client is told that asks there."""
    with fresh(url) as cluster, pytest.raises(StoreUnavailable) as told:
        cluster.discover_nodes()
    assert_one_sentence(told.value)
    return told.value


class TestFound:
    def test_functions_are_submitted_to_the_master_that_sentinels_name(self, watched: Watched) -> None:
        with fresh(watched.url) as cluster:
            cluster.register_node("a", NODE)

            assert cluster.enqueue("tasks:work").status == "queued"
            assert cluster.connection.info("server")["tcp_port"] == watched.master
            assert repr(watched.sentinels[0]) in repr(cluster)
            assert watched.password not in repr(cluster)
            check_books(cluster.store)

    def test_the_url_of_a_cluster_leads_another_client_to_the_same_master(self, watched: Watched) -> None:
        with fresh(watched.url) as cluster, Cluster(cluster.url, namespace=cluster.namespace) as other:
            cluster.register_node("a", NODE)

            assert cluster.url == watched.url
            assert list(other.discover_nodes()) == ["a"]

    @pytest.mark.parametrize("by", ["master_for", "url"])
    def test_a_given_connection_is_followed_to_the_same_master(self, watched: Watched, by: str) -> None:
        places = [("127.0.0.1", port) for port in watched.sentinels]
        given = sentinel_of(places, password=watched.password, decode_responses=True).master_for("main")
        with fresh(connection=given) if by == "master_for" else fresh(watched.url) as cluster:
            cluster.register_node("a", NODE)

            assert cluster.url == watched.url
            with Cluster(connection=cluster.connection, namespace=cluster.namespace) as other:
                assert list(other.discover_nodes()) == ["a"]

    def test_sentinels_that_are_away_are_passed_over(self, watched: Watched, closed_port: int) -> None:
        with fresh(watched.url_of([closed_port, *watched.sentinels[1:]])) as cluster:
            cluster.register_node("a", NODE)

            assert list(cluster.discover_nodes()) == ["a"]

    def test_the_sentinel_that_knew_is_the_first_to_be_asked_the_next_time(
        self, watched: Watched, closed_port: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        known = Sentinels([("127.0.0.1", closed_port), ("127.0.0.1", watched.sentinels[0])], {})
        known.discover_master("main")
        monkeypatch.setattr(known.sentinels[0], "sentinel_masters", lambda: pytest.fail("it is asked"))

        assert known.discover_master("main") == ("127.0.0.1", watched.master)

    def test_sentinels_without_a_password_are_not_told_that_of_redis(self, watched: Watched) -> None:
        with fresh(watched.url) as cluster:
            cluster.discover_nodes()
            pool: Any = cluster.connection.connection_pool

            for sentinel in pool.sentinel_manager.sentinels:
                assert not sentinel.connection_pool.connection_kwargs.get("password")

    def test_rq_reads_and_writes_through_it(self, watched: Watched) -> None:
        with fresh(watched.url) as cluster:
            cluster.register_node("a", NODE)
            handle = cluster.enqueue("tasks:work")

            assert Queue(f"{cluster.namespace}.a", connection=cluster.connection).job_ids == [handle.id]
            Job.fetch(handle.id, connection=cluster.connection).cancel()
            assert handle.status == "canceled"

    def test_all_connections_end_with_the_cluster(self, watched: Watched) -> None:
        name = uuid.uuid4().hex
        with fresh(f"{watched.url}?client_name={name}&sentinel_client_name={name}") as cluster:
            cluster.discover_nodes()

        for client in (watched.client(watched.master), *map(watched.sentinel, watched.sentinels)):
            gone = lambda client=client: name not in [each["name"] for each in client.client_list()]  # noqa: E731
            wait_until(gone, "no connection is left")


@pytest.mark.parametrize(
    ("service", "host"),
    [("my / main", "127.0.0.1"), ("a?b&c#d@e", "127.0.0.1"), ("größe", "127.0.0.1"), ("main", "::1")],
)
def test_odd_names_of_services_and_ipv6_addresses_are_found(tmp_path: Any, service: str, host: str) -> None:
    need_redis_server()
    if ":" in host and not _has_ipv6():
        pytest.skip("this machine has no IPv6 on loopback")
    with Watched(tmp_path, service=service, host=host) as watched, fresh(watched.url) as cluster:
        cluster.register_node("a", NODE)

        assert list(cluster.discover_nodes()) == ["a"]
        assert cluster.url == watched.url


def _has_ipv6() -> bool:
    try:
        with closing(socket.socket(socket.AF_INET6)) as taken:
            taken.bind(("::1", 0))
    except OSError:
        return False
    return True


class TestPassword:
    def test_sentinels_have_a_password_of_their_own(self, guarded: Watched) -> None:
        with fresh(f"{guarded.url}?sentinel_password=word-of-sentinels") as cluster:
            cluster.register_node("a", NODE)

            assert "sentinel_password=word-of-sentinels" in cluster.url
            assert "word-of-sentinels" not in repr(cluster)
            with Cluster(cluster.url, namespace=cluster.namespace) as other:
                assert list(other.discover_nodes()) == ["a"]

    def test_sentinels_that_want_a_password_get_that_of_redis(self, tmp_path: Any) -> None:
        with (
            Watched(tmp_path, sentinel_password="one-word", password="one-word") as alike,
            fresh(alike.url) as cluster,
            Cluster(cluster.url, namespace=cluster.namespace) as by_url,
            Cluster(connection=cluster.connection, namespace=cluster.namespace) as by_connection,
        ):
            cluster.register_node("a", NODE)

            assert list(by_url.discover_nodes()) == list(by_connection.discover_nodes()) == ["a"]

    @pytest.mark.parametrize("query", ["", "?sentinel_password=another-word"])
    def test_a_wrong_password_of_sentinels_is_told_at_once(self, guarded: Watched, query: str) -> None:
        error = refusal(f"{guarded.url}{query}")

        assert "it wants another user name or password" in str(error)
        assert f"127.0.0.1:{guarded.sentinels[0]} refuses" in str(error)
        assert "sentinel_password" in str(error)
        assert not may_pass(error)
        assert_one_sentence(error, guarded.password, "another-word")

    def test_a_wrong_password_of_redis_is_told_at_once(self, watched: Watched) -> None:
        error = refusal(watched.url_of(watched.sentinels, login=":another-word@"))

        assert "it wants another user name or password" in str(error)
        assert not may_pass(error)


class TestNotFound:
    def test_a_service_that_no_sentinel_watches_is_told_at_once(self, watched: Watched, clock: SimpleNamespace) -> None:
        error = refusal(watched.url_of(watched.sentinels, service="mian"))

        assert "its sentinels watch 'main' and not 'mian'" in str(error)
        assert f"redis+sentinel://127.0.0.1:{watched.sentinels[0]}," in str(error)
        assert not may_pass(error)
        assert clock.pauses == []

    def test_sentinels_that_are_all_away_are_named(self, closed_port: int) -> None:
        error = refusal(f"redis+sentinel://127.0.0.1:{closed_port}/main/0")

        assert f"127.0.0.1:{closed_port} is away (Connection refused)" in str(error)
        assert may_pass(error)

    def test_a_server_that_is_no_sentinel_is_told(self, server: RedisServer) -> None:
        word = server.url.split(":")[2].split("@")[0]

        error = refusal(f"redis+sentinel://127.0.0.1:{server.port}/main/0?sentinel_password={word}")

        assert f"127.0.0.1:{server.port} is no sentinel" in str(error)

    def test_a_master_that_is_down_is_an_outage_told_by_its_sentinels(
        self, own_watched: Watched, closed_port: int
    ) -> None:
        own_watched.kill(own_watched.replica)
        own_watched.kill(own_watched.master)
        own_watched.set_down_after(100)
        (port,) = own_watched.sentinels
        wait_until(lambda: bool(own_watched.state(port)["is_odown"]), "the sentinel says that it is down")

        error = refusal(own_watched.url_of([closed_port, port]))

        assert "its sentinels know no master of 'main' now" in str(error)
        assert f"127.0.0.1:{port} says that it is down" in str(error)
        assert f"127.0.0.1:{closed_port} is away" in str(error)
        assert may_pass(error)

    def test_a_name_that_was_once_known_is_waited_for(self, own_watched: Watched, clock: SimpleNamespace) -> None:
        (port,) = own_watched.sentinels
        with fresh(own_watched.url) as cluster:
            cluster.register_node("a", NODE)
            own_watched.sentinel(port).execute_command("SENTINEL", "REMOVE", "main")
            cluster.connection.connection_pool.disconnect()

            with pytest.raises(StoreUnavailable, match="watch nothing and not 'main'"):
                cluster.discover_nodes()

            assert sum(clock.pauses) > 1.0


class TestReplaced:
    """What is told while a failover is under way, by answers as sentinels give them."""

    @pytest.fixture
    def told(self, watched: Watched, monkeypatch: pytest.MonkeyPatch) -> tuple[Sentinels, SimpleNamespace]:
        """Sentinels of which the first replaces the master, and where it says that the new one is."""
        known = Sentinels([("127.0.0.1", port) for port in watched.sentinels], {})
        first: Any = known.sentinels[0]
        masters = first.sentinel_masters()
        flags = masters["main"]["flags"]
        name = "failover_in_progress"
        masters["main"]["flags"] = f"{flags},{name}" if isinstance(flags, str) else {*flags, name}
        answer = SimpleNamespace(address=(b"127.0.0.1", watched.master))
        monkeypatch.setattr(first, "sentinel_masters", lambda: masters)
        monkeypatch.setattr(first, "sentinel_get_master_addr_by_name", lambda service: answer.address)
        return known, answer

    def test_no_other_sentinel_is_believed_of_a_master_that_one_replaces(
        self, told: tuple[Sentinels, SimpleNamespace], watched: Watched
    ) -> None:
        known, _ = told

        with pytest.raises(BeingReplaced, match=f"127.0.0.1:{watched.sentinels[0]} replaces 'main' now"):
            known.discover_master("main")

    @pytest.mark.parametrize("host", [b"127.0.0.1", "127.0.0.1"])
    def test_the_new_master_is_known_as_soon_as_there_is_one(
        self, told: tuple[Sentinels, SimpleNamespace], watched: Watched, host: bytes | str
    ) -> None:
        known, answer = told
        answer.address = (host, watched.replica)

        assert known.discover_master("main") == ("127.0.0.1", watched.replica)


FAILOVERS: list[Any] = [
    pytest.param(Watched.fail_over, id="failover"),
    pytest.param(Watched.kill_master, id="kill"),
]


@pytest.mark.slow
def test_a_master_that_takes_nothing_any_more_is_replaced_without_a_loss(own_watched: Watched) -> None:
    with fresh(own_watched.url) as cluster, ThreadPoolExecutor(1) as pool:
        cluster.register_node("a", NODE)
        taken: list[Handle] = []
        is_over = threading.Event()

        def submit() -> None:
            while not is_over.is_set():
                with contextlib.suppress(StoreUnavailable):
                    taken.append(cluster.enqueue("tasks:work"))

        submitting = pool.submit(submit)
        wait_until(lambda: len(taken) > 10, "functions are taken")
        # Longer than operators are told: no machine is too slow for it.
        own_watched.client(own_watched.master).execute_command("CLIENT", "PAUSE", "60000", "WRITE")
        own_watched.fail_over()
        before = len(taken)
        wait_until(lambda: len(taken) > before + 10, "functions are taken by the new master")
        is_over.set()
        submitting.result(LIMIT_S)

        assert {handle.status for handle in taken} <= {"queued", "waiting"}
        check_books(cluster.store)


@pytest.mark.parametrize("change", FAILOVERS)
class TestFailover:
    @pytest.fixture(autouse=True)
    def looks_each_time(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A master that was replaced goes on as before: how long ago a client has looked decides whom it asks."""
        monkeypatch.setattr(sentinels, "LOOK_S", 0.0)
        monkeypatch.setattr(sentinels, "_LOOKING", math.inf)

    def test_the_next_call_asks_the_new_master(self, own_watched: Watched, change: Callable[[Watched], object]) -> None:
        with fresh(own_watched.url) as cluster:
            cluster.register_node("a", NODE)
            handle = cluster.enqueue("tasks:work")
            old = own_watched.master

            change(own_watched)

            assert handle.status == "queued"
            assert cluster.enqueue("tasks:work").status == "queued"
            assert cluster.connection.info("server")["tcp_port"] != old
            check_books(cluster.store)

    def test_who_waits_for_a_result_gets_it_over_a_failover(
        self, own_watched: Watched, change: Callable[[Watched], object]
    ) -> None:
        with fresh(own_watched.url) as cluster, ThreadPoolExecutor(1) as pool:
            agent = FakeAgent(cluster.store, "a", {"cpu": 1}).register()
            handle = cluster.enqueue("tasks:work", node="a")
            (started,) = agent.take()
            result = pool.submit(handle.result, LIMIT_S)
            direct = own_watched.client(own_watched.master)
            wait_until(lambda: any("b" in each["flags"] for each in direct.client_list()), "it waits there")

            change(own_watched)
            agent.finish(ok(started.id, 7))

            assert result.result(LIMIT_S) == 7
            check_books(cluster.store)
