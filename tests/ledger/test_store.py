"""The connection to Redis: settings are copied, nothing is sent twice in silence, what fails is told in a sentence."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import fakeredis
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from redis.sentinel import Sentinel, SentinelConnectionPool

from handoff.client.cluster import Cluster
from handoff.errors import StoreUnavailable
from handoff.ledger import lua
from handoff.ledger import store as store_module
from handoff.ledger.rqmodel import RQ_KEY_PREFIX
from handoff.ledger.store import GIVE_UP_AFTER_S, ScriptBug, Store, address_of, own_client, url_of
from handoff.local.server import RedisServer
from handoff.words.function import Function
from support.books import check_books
from support.proxy import FaultyProxy

NODE = {"cpu": 2}

REFUSED = "Redis at {} is not available"

# redis-py has no types for these.
sentinel_of: Any = Sentinel
blocking_pool: Any = redis.BlockingConnectionPool
connection_class: Any = redis.connection.Connection


def command(client: redis.Redis, *words: str) -> Any:
    execute: Callable[..., Any] = client.execute_command
    return execute(*words)


def settings(client: redis.Redis) -> dict[str, Any]:
    return dict(client.connection_pool.connection_kwargs)


def password_of(server: RedisServer) -> str:
    return server.url.split(":")[2].split("@")[0]


def assert_one_sentence(error: BaseException, *secrets: str) -> None:
    text = str(error)
    assert "\n" not in text
    assert ". " not in text
    assert not [secret for secret in secrets if secret in text]


def dump(connection: redis.Redis) -> dict[bytes, bytes | None]:
    """Everything that is stored, as it is stored."""
    return {key: connection.dump(key) for key in connection.scan_iter("*", count=1000)}


@pytest.fixture
def own_server() -> Iterator[RedisServer]:
    """A server that the test may kill; it keeps what it acknowledged."""
    with RedisServer(appendonly=True) as server:
        yield server


@pytest.fixture
def real(server: RedisServer) -> Iterator[Cluster]:
    with Cluster(server.url, namespace=f"t{uuid.uuid4().hex[:12]}") as cluster:
        yield cluster


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The store's own clock: it stands still but for the pauses that the store makes; `meanwhile` runs in them."""
    clock = SimpleNamespace(now=0.0, pauses=[], meanwhile=lambda: None)

    def sleep(seconds: float) -> None:
        clock.pauses.append(seconds)
        clock.now += seconds
        clock.meanwhile()

    monkeypatch.setattr(store_module, "time", SimpleNamespace(monotonic=lambda: clock.now, sleep=sleep))
    return clock


class TestOwnClient:
    @pytest.mark.parametrize(
        ("given", "copied"),
        [
            (
                redis.Redis(unix_socket_path="/run/redis.sock", username="u", password="pw", db=3),
                {"path": "/run/redis.sock", "username": "u", "password": "pw", "db": 3},
            ),
            (
                redis.Redis("host.example", 7000, username="u", password="pw", db=2, client_name="me"),
                {"host": "host.example", "port": 7000, "username": "u", "password": "pw", "db": 2, "client_name": "me"},
            ),
            (
                redis.Redis("host.example", ssl=True, ssl_ca_certs="/ca.pem", ssl_check_hostname=False),
                {"host": "host.example", "ssl_ca_certs": "/ca.pem", "ssl_check_hostname": False},
            ),
            (
                redis.Redis.from_url("unix://u:pw@/run/redis.sock?db=4"),
                {"path": "/run/redis.sock", "username": "u", "password": "pw", "db": 4},
            ),
            (
                redis.Redis(connection_pool=blocking_pool(host="host.example", max_connections=1)),
                {"host": "host.example"},
            ),
            (fakeredis.FakeRedis(db=4, decode_responses=True), {"db": 4}),
        ],
        ids=["unix socket", "tcp", "tls", "unix url", "blocking pool", "fakeredis"],
    )
    def test_the_settings_of_a_connection_are_copied(self, given: redis.Redis, copied: dict[str, Any]) -> None:
        own = own_client(given, None)

        assert settings(own).items() >= copied.items()
        assert own.connection_pool.connection_class is given.connection_pool.connection_class

    @pytest.mark.parametrize(
        "given",
        [
            redis.Redis(decode_responses=True, socket_timeout=99, retry=Retry(NoBackoff(), 9), health_check_interval=9),
            redis.Redis(retry_on_error=[redis.ConnectionError], protocol=3),
            redis.Redis.from_url("redis://localhost?socket_timeout=99&retry_on_timeout=true"),
            sentinel_of([("localhost", 26379)], decode_responses=True, socket_timeout=99).master_for("main"),
            fakeredis.FakeRedis(decode_responses=True),
        ],
        ids=["decoding", "re-sending", "url", "sentinel", "fakeredis"],
    )
    def test_whatever_a_connection_decodes_or_repeats_ours_does_not(self, given: redis.Redis) -> None:
        own = settings(own_client(given, None))

        assert own["decode_responses"] is False
        assert own["retry"].get_retries() == 0
        assert (own["socket_timeout"], own["socket_connect_timeout"]) == (5.0, 1.0)
        assert not {"retry_on_timeout", "retry_on_error", "health_check_interval"} & own.keys()

    @pytest.mark.parametrize(
        "option", ["decode_responses=true", "socket_timeout=99", "retry_on_timeout=true", "socket_connect_timeout=99"]
    )
    def test_options_in_a_url_do_not_replace_our_own(self, option: str) -> None:
        own = settings(own_client(None, f"redis://localhost/2?{option}"))

        assert own["db"] == 2
        assert own["decode_responses"] is False
        assert (own["socket_timeout"], own["socket_connect_timeout"]) == (5.0, 1.0)
        assert "retry_on_timeout" not in own

    def test_the_pool_is_never_shared(self, server: RedisServer) -> None:
        with redis.Redis.from_url(server.url) as given:
            given.ping()
            own = own_client(given, None)
            own.ping()

            assert own.connection_pool is not given.connection_pool
            own.connection_pool.disconnect()
            own.close()
            assert given.ping()

    def test_user_password_and_db_of_a_connection_are_those_it_logs_in_with(self, server: RedisServer) -> None:
        with redis.Redis.from_url(server.url) as admin:
            admin.acl_setuser("somebody", enabled=True, passwords=["+their-word"], keys=["*"], categories=["+@all"])
            given = redis.Redis("127.0.0.1", server.port, username="somebody", password="their-word", db=3)
            own = own_client(given, None)
            try:
                assert own.acl_whoami() in ("somebody", b"somebody")
                assert own.client_info()["db"] == 3
            finally:
                own.close()
                admin.acl_deluser("somebody")

    def test_fakeredis_is_the_same_server_and_not_another_one(self) -> None:
        given = fakeredis.FakeRedis()
        given.set("key", "value")

        assert own_client(given, None).get("key") == b"value"

    def test_a_lost_reply_is_an_error_and_not_a_second_command(self, server: RedisServer) -> None:
        key = uuid.uuid4().hex
        with FaultyProxy("127.0.0.1", server.port) as proxy:
            url = proxy.url(server.url)
            for given in (None, redis.Redis.from_url(url, retry=Retry(NoBackoff(), 3))):
                own = own_client(given, url)
                proxy.drop_reply(match="INCR")

                with pytest.raises(redis.ConnectionError):
                    command(own, "INCR", key)
                own.close()

        with redis.Redis.from_url(server.url) as direct:
            assert direct.getdel(key) == b"2"


class TestUrl:
    @pytest.mark.parametrize(
        "url",
        [
            "redis://localhost:6379/0",
            "redis://:p%40ss%2Fword@redis.example:7000/3",
            "rediss://user:secret@redis.example:6380/1",
            "unix://:secret@/run/redis.sock?db=2",
        ],
    )
    def test_it_leads_to_where_it_came_from(self, url: str) -> None:
        assert url_of(own_client(None, url)) == url

    def test_an_address_for_people_holds_no_password(self) -> None:
        assert (
            address_of(own_client(None, "rediss://user:secret@redis.example:6380/1")) == "rediss://redis.example:6380/1"
        )


class TestSentinel:
    @pytest.fixture
    def sentinel(self, server: RedisServer) -> Any:
        """Knows one master; the answer of real sentinels, without them."""
        sentinel = sentinel_of([("127.0.0.1", 1)], password=password_of(server), db=3)
        sentinel.discover_master = lambda name: ("127.0.0.1", server.port)
        return sentinel

    def test_a_pool_of_our_own_asks_the_same_sentinels_for_the_same_master(self, sentinel: Any) -> None:
        own = own_client(sentinel.master_for("main"), None)
        pool = own.connection_pool

        assert isinstance(pool, SentinelConnectionPool)
        assert (pool.service_name, pool.sentinel_manager, pool.is_master) == ("main", sentinel, True)
        assert own.client_info()["db"] == 3
        own.close()

    def test_functions_are_submitted_through_it(self, sentinel: Any, real: Cluster) -> None:
        given = sentinel.master_for("main", decode_responses=True)
        with Cluster(connection=given, namespace=real.namespace) as cluster:
            cluster.register_node("a", NODE)
            handle = cluster.enqueue("tasks:work")

            assert cluster.handle(handle.id).status == "queued"
            check_books(cluster.store)

    def test_a_master_behind_tls_is_reached_by_tls(self, sentinel: Any) -> None:
        given = sentinel.master_for("main", ssl=True, ssl_ca_certs="/ca.pem")

        own = own_client(given, None)

        assert own.connection_pool.connection_class is given.connection_pool.connection_class

    def test_its_address_names_the_master_and_not_this_machine(self, sentinel: Any) -> None:
        address = address_of(own_client(sentinel.master_for("main"), None))

        assert "main" in address
        assert "localhost" not in address


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

    def test_a_closed_port_is_tried_again_for_three_and_a_half_seconds_and_no_longer(
        self, closed: str, clock: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
    ) -> None:
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
            lambda cluster: cluster.handle("queued").cancel(),
            lambda cluster: cluster.handle("waiting").cancel(),
        ],
        ids=["submit", "change", "register", "deregister", "request", "allocate", "cancel queued", "cancel waiting"],
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

    def test_what_was_refused_works_when_there_is_room_again(self, full: Cluster) -> None:
        with pytest.raises(StoreUnavailable):
            full.handle("queued").cancel()

        full.connection.config_set("maxmemory", 0)

        assert full.handle("queued").cancel()
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


class TestScriptBug:
    @pytest.fixture
    def broken(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], None]]:
        """Replace the last line of a Lua file for the length of a test."""
        source = lua.source

        def replace(file: str, line: str) -> None:
            def changed(name: str) -> str:
                text = source(name)
                return "\n".join([*text.splitlines()[:-1], line]) if name == file else text

            monkeypatch.setattr(lua, "source", changed)
            lua.load.cache_clear()

        yield replace
        lua.load.cache_clear()

    @pytest.mark.parametrize(
        "line",
        ["return {'probed', nil .. 'x'}", "return {'probed', redis.call('NOSUCHCOMMAND')}", "error('this is so')"],
        ids=["of Lua", "of a command", "of our own"],
    )
    def test_a_script_that_fails_is_named_with_file_and_line(
        self, real: Cluster, broken: Callable[[str, str], None], line: str
    ) -> None:
        number = len(lua.source("probe").splitlines())
        broken("probe", line)

        with pytest.raises(ScriptBug, match=rf"^probe: .*\bprobe\.lua:{number}\b"):
            real.store.run("probe", name="a", cost="")

    def test_a_failure_inside_a_library_names_the_library(
        self, real: Cluster, broken: Callable[[str, str], None]
    ) -> None:
        number = len(lua.source("lib/events").splitlines())
        broken("lib/events", "  return {} .. '' end")

        with pytest.raises(ScriptBug, match=rf"^register_node: .*\blib/events\.lua:{number}\b"):
            real.register_node("a", NODE)

    def test_a_failure_is_not_asked_again(
        self, store: Store, broken: Callable[[str, str], None], clock: SimpleNamespace
    ) -> None:
        broken("probe", "error('this is so')")

        with pytest.raises(ScriptBug, match="this is so"):
            store.run("probe", name="a", cost="")

        assert clock.pauses == []

    def test_an_answer_that_no_header_lists_is_a_bug_too(
        self, cluster: Cluster, broken: Callable[[str, str], None]
    ) -> None:
        broken("submit", "return {'perhaps'}")

        with pytest.raises(ScriptBug, match="perhaps"):
            cluster.enqueue("tasks:work")

    @pytest.mark.parametrize(
        ("arguments", "rest"),
        [({"name": "a"}, []), ({"name": "a", "cost": "", "more": ""}, []), ({"name": "a", "cost": ""}, ["more"])],
        ids=["too few", "too many", "a list it does not take"],
    )
    def test_arguments_that_the_header_does_not_name_are_a_type_error(
        self, store: Store, arguments: dict[str, str], rest: list[str]
    ) -> None:
        with pytest.raises(TypeError, match="probe takes"):
            store.run("probe", *rest, **arguments)

    def test_every_namespace_and_every_store_shares_one_script(self) -> None:
        assert lua.load("probe", RQ_KEY_PREFIX) is lua.load("probe", RQ_KEY_PREFIX)
