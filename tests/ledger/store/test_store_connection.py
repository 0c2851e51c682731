"""The connection to Redis: settings are copied, and nothing is sent twice in silence."""

from __future__ import annotations

import socket
import uuid
from typing import Any

import fakeredis
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from redis.sentinel import Sentinel, SentinelConnectionPool

from handoff.client.cluster import Cluster
from handoff.ledger.address import address_of
from handoff.ledger.store import own_client
from handoff.local.server import RedisServer
from support.books import check_books
from support.connections import NODE, blocking_pool, command, password_of, sentinel_of, settings
from support.proxy import FaultyProxy


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
            (
                redis.Redis(health_check_interval=9, socket_keepalive_options={socket.TCP_KEEPCNT: 7}),
                {"health_check_interval": 9, "socket_keepalive_options": {socket.TCP_KEEPCNT: 7}},
            ),
            (redis.Redis(socket_keepalive=False), {"socket_keepalive": False}),
            (redis.Redis.from_url("redis://localhost?health_check_interval=9"), {"health_check_interval": 9}),
        ],
        ids=[
            "unix socket",
            "tcp",
            "tls",
            "unix url",
            "blocking pool",
            "fakeredis",
            "health",
            "no keepalive",
            "health by url",
        ],
    )
    def test_the_settings_of_a_connection_are_copied(self, given: redis.Redis, copied: dict[str, Any]) -> None:
        own = own_client(given, None)

        assert settings(own).items() >= copied.items()
        assert issubclass(own.connection_pool.connection_class, given.connection_pool.connection_class)

    @pytest.mark.parametrize(
        "given",
        [
            redis.Redis(decode_responses=True, socket_timeout=99, retry=Retry(NoBackoff(), 9)),
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
        assert not {"retry_on_timeout", "retry_on_error"} & own.keys()

    @pytest.mark.parametrize(
        "option", ["decode_responses=true", "socket_timeout=99", "retry_on_timeout=true", "socket_connect_timeout=99"]
    )
    def test_options_in_a_url_do_not_replace_our_own(self, option: str) -> None:
        own = settings(own_client(None, f"redis://localhost/2?{option}"))

        assert own["db"] == 2
        assert own["decode_responses"] is False
        assert (own["socket_timeout"], own["socket_connect_timeout"]) == (5.0, 1.0)
        assert "retry_on_timeout" not in own

    def test_the_system_looks_after_connections_of_which_nothing_is_said(self, server: RedisServer) -> None:
        own = own_client(None, server.url)
        connection: Any = own.connection_pool.get_connection()

        end = connection._sock
        assert end.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert end.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT) == 3
        own.connection_pool.release(connection)
        own.close()

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


class TestSentinel:
    @pytest.fixture
    def sentinel(self, server: RedisServer) -> Any:
        """Knows one master by itself: the answer of real sentinels, without them."""

        class Knowing(Sentinel):
            def discover_master(self, service_name: str) -> tuple[str, int]:
                return "127.0.0.1", server.port

        make: Any = Knowing
        return make([("127.0.0.1", 1)], password=password_of(server), db=3)

    def test_a_pool_of_our_own_asks_sentinels_of_a_kind_of_their_own_as_they_are(self, sentinel: Any) -> None:
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

        assert issubclass(own.connection_pool.connection_class, given.connection_pool.connection_class)

    def test_its_address_names_the_master_and_not_this_machine(self, sentinel: Any) -> None:
        address = address_of(own_client(sentinel.master_for("main"), None))

        assert "main" in address
        assert "localhost" not in address
