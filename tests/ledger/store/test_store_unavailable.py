"""A Redis that cannot be used, is full or comes back: told in one sentence, and nothing is half done."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import redis

from handoff.client.cluster import Cluster
from handoff.errors import DuplicateFunction, StoreUnavailable
from handoff.ledger import asking as asking_module
from handoff.ledger.asking import GIVE_UP_AFTER_S
from handoff.local.server import RedisServer
from handoff.words.function import Function
from support.agent import FakeAgent
from support.books import check_books
from support.connections import NODE, assert_one_sentence, command, connection_class
from support.ear import ear
from support.proxy import FaultyProxy
from support.refused import dump

REFUSED = "Redis at {} is not available"


class TestUnavailable:
    @pytest.fixture
    def closed(self, own_server: RedisServer) -> str:
        """The address of a server that is gone, with its password."""
        url = own_server.url
        own_server.kill()
        return url

    def test_a_closed_port_is_told_in_one_sentence_without_the_password(
        self, closed: str, clock: SimpleNamespace
    ) -> None:
        password, port = re.findall(r":(\w+)", closed)[:2]
        address = f"redis://127.0.0.1:{port}/0"
        with Cluster(closed) as cluster, pytest.raises(StoreUnavailable) as caught:
            cluster.register_node("a", NODE)

        assert caught.value.url == address
        assert str(caught.value).startswith(REFUSED.format(address))
        assert_one_sentence(caught.value, password)

    @pytest.mark.parametrize("chance", [min, max])
    def test_a_closed_port_is_tried_again_for_three_and_a_half_seconds_and_no_longer(
        self,
        closed: str,
        clock: SimpleNamespace,
        monkeypatch: pytest.MonkeyPatch,
        chance: Callable[[float, float], float],
    ) -> None:
        monkeypatch.setattr(asking_module, "random", SimpleNamespace(uniform=chance))
        begun: list[float] = []
        connect = connection_class.connect

        def noted(connection: redis.connection.Connection) -> None:
            begun.append(clock.now)
            connect(connection)

        monkeypatch.setattr(connection_class, "connect", noted)
        with Cluster(closed) as cluster, pytest.raises(StoreUnavailable):
            cluster.discover_nodes()

        assert begun[-1] <= GIVE_UP_AFTER_S
        assert 3 <= len(begun) <= 7
        assert len(clock.pauses) == len(begun) - 1

    def test_every_call_of_a_client_says_so(self, server: RedisServer, clock: SimpleNamespace) -> None:
        with Cluster(server.url, namespace=f"t{uuid.uuid4().hex}") as cluster, RedisServer() as other:
            handle = cluster.enqueue("tasks:work", job_id=uuid.uuid4().hex)
            away = Cluster(other.url)
            handle._store = away.store
            calls: list[Callable[[], object]] = [
                lambda: away.register_node("a", NODE), lambda: away.deregister_node("a"), away.discover_nodes,
                lambda: away.resources_available("a", {}), lambda: away.tracker.request("a", {}),
                lambda: away.tracker.available("a"), lambda: away.enqueue("tasks:work"), lambda: away.handle("x"),
                lambda: handle.status, lambda: handle.node, lambda: handle.attempts, lambda: handle.devices,
                lambda: handle.job, handle.result, handle.cancel, away.events,
            ]  # fmt: skip
            other.kill()

            for call in calls:
                with pytest.raises(StoreUnavailable):
                    call()
            away.close()

    def test_a_call_that_failed_may_have_been_done_and_its_id_says_so(
        self, server: RedisServer, clock: SimpleNamespace
    ) -> None:
        with (
            FaultyProxy("127.0.0.1", server.port) as proxy,
            Cluster(proxy.url(server.url), namespace=uuid.uuid4().hex) as cluster,
        ):
            # So that the server knows the script, and no attempt is lost in asking for it.
            cluster.enqueue("tasks:work")
            id, is_bad = uuid.uuid4().hex, True
            for number in range(1, 9):
                proxy.drop_reply(number, lambda command: is_bad and command.name == "FCALL")

            with pytest.raises(StoreUnavailable):
                cluster.enqueue("tasks:work", job_id=id)

            is_bad = False
            with pytest.raises(DuplicateFunction):
                cluster.enqueue("tasks:work", job_id=id)
            assert cluster.handle(id).status == "waiting"

    def test_a_wrong_password_is_told_at_once(self, server: RedisServer, clock: SimpleNamespace) -> None:
        with Cluster(f"redis://:wrong-word@127.0.0.1:{server.port}/0") as cluster:
            with pytest.raises(StoreUnavailable) as caught:
                cluster.enqueue("tasks:work")
            with pytest.raises(StoreUnavailable):
                cluster.handle("x")

        assert clock.pauses == []
        assert_one_sentence(caught.value, "wrong-word")

    @pytest.mark.parametrize(
        "call",
        [lambda cluster: cluster.enqueue("tasks:work"), lambda cluster: cluster.handle("x")],
        ids=["a script", "a read"],
    )
    def test_a_user_who_may_not_do_it_is_told_so(self, server: RedisServer, call: Callable[[Cluster], object]) -> None:
        with redis.Redis.from_url(server.url) as admin:
            admin.acl_setuser("guest", enabled=True, passwords=["+guest-word"], keys=["*"], commands=["+ping"])
            try:
                with (
                    Cluster(f"redis://guest:guest-word@127.0.0.1:{server.port}/0") as cluster,
                    pytest.raises(StoreUnavailable) as caught,
                ):
                    call(cluster)
            finally:
                admin.acl_deluser("guest")

        assert_one_sentence(caught.value, "guest-word")

    def test_a_replica_refuses_writes_in_one_sentence(self, own_server: RedisServer, clock: SimpleNamespace) -> None:
        with Cluster(own_server.url) as cluster:
            command(cluster.connection, "REPLICAOF", "127.0.0.1", "1")

            with pytest.raises(StoreUnavailable, match="read only") as caught:
                cluster.register_node("a", NODE)

        assert clock.pauses == []
        assert_one_sentence(caught.value)

    def test_a_replica_that_has_lost_its_master_is_told_in_one_sentence(
        self, own_server: RedisServer, clock: SimpleNamespace
    ) -> None:
        with Cluster(own_server.url) as cluster:
            cluster.connection.config_set("replica-serve-stale-data", "no")
            command(cluster.connection, "REPLICAOF", "127.0.0.1", "1")

            for call in (cluster.discover_nodes, lambda: cluster.handle("x")):
                with pytest.raises(StoreUnavailable) as caught:
                    call()
                assert_one_sentence(caught.value)


class TestFull:
    @pytest.fixture
    def full(self, own_server: RedisServer) -> Iterator[Cluster]:
        """A cluster whose server takes nothing more: a node with a function, one that waits, and a claim."""
        with Cluster(own_server.url) as cluster:
            cluster.register_node("a", {"cpu": 2})
            cluster.enqueue("tasks:work", cost={"cpu": 1.5}, job_id="queued")
            cluster.enqueue("tasks:work", cost={"cpu": 2}, job_id="waiting")
            cluster.connection.config_set("maxmemory", 1)
            yield cluster

    @pytest.mark.parametrize(
        "call",
        [
            lambda cluster: cluster.enqueue("tasks:work"),
            lambda cluster: cluster.register_node("a", {"cpu": 9}),
            lambda cluster: cluster.register_node("b", {"cpu": 9}),
            lambda cluster: cluster.deregister_node("a"),
            lambda cluster: cluster.tracker.request("a", {"cpu": 0.5}),
            lambda cluster: cluster.tracker.allocate_and_claim([Function("f", "tasks:work")]),
        ],
        ids=["submit", "change", "register", "deregister", "request", "allocate"],
    )
    def test_a_full_server_is_told_in_one_sentence_and_nothing_is_half_written(
        self, full: Cluster, call: Callable[[Cluster], object]
    ) -> None:
        before = dump(full.connection)

        with pytest.raises(StoreUnavailable, match="full") as caught:
            call(full)

        assert_one_sentence(caught.value)
        assert dump(full.connection) == before

    def test_reading_goes_on_while_the_server_is_full(self, full: Cluster) -> None:
        assert full.discover_nodes() == {"a": {"cpu": 2}}
        assert not full.resources_available("a", {"cpu": 1})
        assert full.handle("queued").status == "queued"

    def test_giving_back_goes_on_while_the_server_is_full(self, full: Cluster) -> None:
        full.connection.config_set("maxmemory", 0)
        claim = full.tracker.request("a", {"cpu": 0.5})
        full.connection.config_set("maxmemory", 1)

        assert full.tracker.release(claim)

        full.connection.config_set("maxmemory", 0)
        check_books(full.store)

    @pytest.mark.parametrize("which", ["queued", "waiting"])
    def test_what_has_not_started_is_canceled_on_a_full_server_for_that_frees_memory(
        self, full: Cluster, which: str
    ) -> None:
        assert full.handle(which).cancel()

        full.connection.config_set("maxmemory", 0)
        assert full.handle(which).status == "canceled"
        check_books(full.store)

    def test_an_agent_is_told_nothing_of_a_cancel_that_a_full_server_refuses(self, own_server: RedisServer) -> None:
        with Cluster(own_server.url) as cluster:
            agent = FakeAgent(cluster.store, "a", {"cpu": 2}).register()
            handle = cluster.enqueue("tasks:work")
            agent.take()
            cluster.connection.config_set("maxmemory", 1)

            with ear(cluster, "a") as listening:
                with pytest.raises(StoreUnavailable, match="full"):
                    handle.cancel()
                assert listening.heard() == []
            cluster.connection.config_set("maxmemory", 0)
            assert handle.status == "started"
            assert agent.beat() == []

    def test_what_was_refused_works_when_there_is_room_again(self, full: Cluster) -> None:
        with pytest.raises(StoreUnavailable):
            full.register_node("a", {"cpu": 4})

        full.connection.config_set("maxmemory", 0)

        full.register_node("a", {"cpu": 4})
        assert full.handle("waiting").status == "queued"
        check_books(full.store)


class TestRestart:
    def test_a_call_after_a_restart_works_as_if_nothing_had_been(self, own_server: RedisServer) -> None:
        with Cluster(own_server.url) as cluster:
            cluster.register_node("a", NODE)
            first = cluster.enqueue("tasks:work", cost={"cpu": 2})

            own_server.kill()
            own_server.restart()

            second = cluster.enqueue("tasks:work", cost={"cpu": 2})
            assert (first.status, second.status) == ("queued", "waiting")
            assert first.cancel()
            assert second.status == "queued"
            check_books(cluster.store)

    @pytest.mark.parametrize(
        "call",
        [lambda cluster: cluster.enqueue("tasks:work").status, lambda cluster: cluster.handle("first").status],
        ids=["a script", "a read"],
    )
    def test_a_call_waits_for_a_server_that_is_just_restarting(
        self, own_server: RedisServer, clock: SimpleNamespace, call: Callable[[Cluster], str]
    ) -> None:
        with Cluster(own_server.url) as cluster:
            cluster.register_node("a", NODE)
            cluster.enqueue("tasks:work", job_id="first")
            clock.meanwhile = own_server.restart
            own_server.kill()

            assert call(cluster) == "queued"
            assert len(clock.pauses) == 1
            check_books(cluster.store)

    def test_closing_leaves_a_cluster_that_can_be_used_again(self, real: Cluster) -> None:
        real.register_node("a", NODE)

        real.close()
        real.close()

        assert real.discover_nodes() == {"a": NODE}


class TestTimeout:
    @pytest.mark.parametrize("timeout", [0.5, 5, 60])
    def test_a_closed_port_is_told_within_the_timeout_and_not_much_sooner(
        self, own_server: RedisServer, clock: SimpleNamespace, timeout: float
    ) -> None:
        url = own_server.url
        own_server.kill()

        with Cluster(url, timeout=timeout) as cluster, pytest.raises(StoreUnavailable):
            cluster.discover_nodes()

        assert timeout / 4 < clock.now <= timeout

    @pytest.mark.parametrize("timeout", [0, -1, float("inf"), float("nan"), "5", None, True])
    def test_what_is_no_time_to_wait_is_refused(self, timeout: Any) -> None:
        with pytest.raises(ValueError, match=r"^timeout is .*: give "):
            Cluster(timeout=timeout)
