"""Operations are called as Functions where the server has them, as scripts elsewhere, whatever it forgets meanwhile."""

from __future__ import annotations

import threading
import uuid
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import fakeredis
import pytest
import redis

from handoff.client.cluster import Cluster
from handoff.errors import StoreUnavailable
from handoff.ledger.lua import files, functions
from handoff.ledger.rqmodel import RQ_KEY_PREFIX
from handoff.local.server import RedisServer
from support.books import check_books
from support.connections import NODE
from support.link import Link
from support.private_servers import client, fail_over, replicate, server_of
from support.proxy import FaultyProxy
from support.users import ALL, ONLY_FUNCTIONS, ONLY_SCRIPTS, add_user
from support.waiting import LIMIT_S

USERS = {"functions": ALL, "scripts": ONLY_SCRIPTS}


def named() -> str:
    return f"t{uuid.uuid4().hex[:12]}"


def library() -> functions.Library:
    return functions.library(RQ_KEY_PREFIX)


def libraries(server: RedisServer) -> set[str]:
    """The names of those that the server has."""
    admin: Any = redis.Redis.from_url(server.url, decode_responses=True, protocol=3)
    return {each["library_name"] for each in admin.function_list()}


class Calls:
    """How often a server was sent what: `fcall`, `evalsha`, `function|load`."""

    def __init__(self, server: RedisServer) -> None:
        self._admin: Any = client(server)
        self._admin.config_resetstat()

    def __call__(self) -> dict[str, int]:
        rows: dict[str, dict[str, int]] = self._admin.info("commandstats")
        ours = ("fcall", "eval", "evalsha", "function|load")
        named = {name.removeprefix("cmdstat_"): row for name, row in rows.items()}
        return {name: named[name]["calls"] for name in ours if name in named and named[name]["calls"]}


def flush_functions(server: RedisServer) -> None:
    client(server).function_flush()


def delete_library(server: RedisServer) -> None:
    client(server).function_delete(library().name)


def flush_scripts(server: RedisServer) -> None:
    client(server).script_flush()


LOSSES = {
    "functions-flushed": ("functions", flush_functions),
    "functions-deleted": ("functions", delete_library),
    "scripts-forgotten": ("scripts", flush_scripts),
}


@pytest.mark.parametrize(("user", "lose"), LOSSES.values(), ids=LOSSES)
def test_a_server_that_lost_what_it_was_given_is_given_it_again(
    own_server: RedisServer, user: str, lose: Callable[[RedisServer], None]
) -> None:
    client(own_server).config_set("appendfsync", "always")
    calls = Calls(own_server)
    with Cluster(add_user(own_server, *USERS[user]), namespace=named()) as cluster:
        cluster.register_node("a", NODE)
        lose(own_server)
        assert cluster.enqueue("tasks:work").status == "queued"
        lose(own_server)
        # In one round trip with what waits for the disk.
        assert cluster.enqueue("tasks:work", durability="disk").status == "queued"
        check_books(cluster.store)

    assert ("fcall" in calls(), "evalsha" in calls()) == (user == "functions", user == "scripts")


def test_a_server_that_has_restarted_without_its_data_is_given_the_library_again() -> None:
    with RedisServer() as server, Cluster(server.url, namespace=named()) as cluster:
        cluster.register_node("a", NODE)
        server.kill()
        server.restart()
        assert libraries(server) == set()

        cluster.register_node("a", NODE)

        assert libraries(server) == {library().name}
        assert cluster.enqueue("tasks:work").status == "queued"


def test_a_replica_that_was_elected_without_the_library_is_given_it(own_server: RedisServer) -> None:
    with RedisServer() as other, Link(own_server.port) as link:
        replicate(other, own_server)
        with Cluster(link.url(own_server.url), namespace=named()) as cluster:
            cluster.register_node("a", NODE)
            client(own_server).wait(1, 0)
            # As one of before 7.0 that was upgraded, or on which somebody has flushed.
            replica: Any = redis.Redis.from_url(own_server.url.replace(f":{own_server.port}/", f":{other.port}/"))
            replica.config_set("replica-read-only", "no")
            replica.function_flush()
            fail_over(own_server, other)
            link.lead_to(other.port)

            assert cluster.enqueue("tasks:work").status == "queued"

            assert [each[1] for each in replica.function_list()] == [library().name.encode()]


def test_many_clients_at_once_each_bring_the_library_as_often_as_it_is_lost(own_server: RedisServer) -> None:
    namespace, each, clients = named(), 20, 8
    together, is_over = threading.Barrier(clients + 1), threading.Event()

    def submit() -> list[str]:
        with Cluster(own_server.url, namespace=namespace) as cluster:
            together.wait(LIMIT_S)
            return [cluster.enqueue("tasks:work").id for _ in range(each)]

    def flush() -> None:
        together.wait(LIMIT_S)
        while not is_over.is_set():
            flush_functions(own_server)

    with ThreadPoolExecutor(clients + 1) as pool:
        flushing = pool.submit(flush)
        try:
            ids = [id for one in [pool.submit(submit) for _ in range(clients)] for id in one.result(LIMIT_S)]
        finally:
            is_over.set()
        flushing.result(LIMIT_S)

    with Cluster(own_server.url, namespace=namespace) as cluster:
        assert Counter(cluster.handle(id).status for id in ids) == {"waiting": each * clients}
        check_books(cluster.store)


class TestNone:
    """Where there are no Functions, or not for this user, all goes on by scripts."""

    def test_a_server_of_before_seven(self) -> None:
        connection: Any = fakeredis.FakeRedis(server=fakeredis.FakeServer(version=(6, 2)))
        with pytest.raises(redis.ResponseError, match="unknown command"):
            connection.execute_command("FCALL", "f", 0)
        with Cluster(connection=connection, namespace=named()) as cluster:
            cluster.register_node("a", NODE)
            assert cluster.enqueue("tasks:work").status == "queued"
            check_books(cluster.store)

    @pytest.mark.parametrize("command", ["FCALL", "FUNCTION"])
    def test_a_server_that_calls_the_command_otherwise(self, tmp_path: Path, command: str) -> None:
        with server_of(tmp_path, "--rename-command", command, "") as server:
            self._check(server, server.url, "evalsha")

    @pytest.mark.parametrize("right", ["-fcall", "-function", "-function|load"])
    def test_a_user_who_may_not_call_or_not_bring_them(self, own_server: RedisServer, right: str) -> None:
        self._check(own_server, add_user(own_server, *ALL, right), "evalsha")
        assert libraries(own_server) == set()

    def test_a_user_who_may_not_bring_the_library_calls_it_where_another_has_brought_it(
        self, own_server: RedisServer
    ) -> None:
        with Cluster(own_server.url, namespace=named()) as cluster:
            cluster.register_node("a", NODE)

        self._check(own_server, add_user(own_server, *ALL, "-function"), "fcall")

    def test_a_user_who_may_call_functions_alone_sends_no_script(self, own_server: RedisServer) -> None:
        self._check(own_server, add_user(own_server, *ONLY_FUNCTIONS), "fcall")

    def test_a_user_who_may_call_neither_is_told_of_the_right(self, own_server: RedisServer) -> None:
        url = add_user(own_server, *ALL, "-@scripting")
        with Cluster(url, namespace=named()) as cluster, pytest.raises(StoreUnavailable, match="'evalsha'"):
            cluster.enqueue("tasks:work")

    def test_a_user_who_may_call_functions_alone_is_told_what_a_full_server_says(self, own_server: RedisServer) -> None:
        url = add_user(own_server, *ONLY_FUNCTIONS)
        with Cluster(url, namespace=named()) as cluster:
            cluster.register_node("a", NODE)
            client(own_server).config_set("maxmemory", 1)
            with pytest.raises(StoreUnavailable, match="it is full"):
                cluster.enqueue("tasks:work")

    def test_a_user_who_may_call_functions_alone_is_promised_the_disk_after_a_lost_reply(
        self, own_server: RedisServer
    ) -> None:
        client(own_server).config_set("appendfsync", "always")
        with FaultyProxy("127.0.0.1", own_server.port) as proxy:
            url = add_user(own_server, *ONLY_FUNCTIONS).replace(f":{own_server.port}/", f":{proxy.port}/")
            with Cluster(url, namespace=named(), timeout=LIMIT_S) as cluster:
                cluster.register_node("a", NODE)
                fault = proxy.drop_reply(match="FCALL")
                assert cluster.enqueue("tasks:work", durability="disk").status == "queued"
                assert fault.happened.is_set()

    def _check(self, server: RedisServer, url: str, form: str) -> None:
        """What a client with this address does is done in this form."""
        with Cluster(url, namespace=named()) as cluster:
            calls = Calls(server)
            cluster.register_node("a", NODE)
            handles = [cluster.enqueue("tasks:work", cost=NODE) for _ in range(2)]
            assert [handle.status for handle in handles] == ["queued", "waiting"]
            check_books(cluster.store)
            sent = calls()
            # What is refused is asked for once.
            assert (sent.get("fcall", 0) > 1, sent.get("evalsha", 0) > 1) == (form == "fcall", form == "evalsha")
            assert sent.get("eval", 0) == 0 or form == "evalsha"


def test_two_versions_share_a_server(server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    source = files.source

    def forget() -> None:
        functions.library.cache_clear()

    def other(name: str) -> str:
        return source(name).replace("return {'probed'", "return {'probed', 'of another version'")

    with Cluster(server.url, namespace=named()) as cluster:
        ours = library().name
        before = cluster.store.run("probe", name="a", cost="")
        try:
            monkeypatch.setattr(files, "source", other)
            forget()
            theirs = library().name
            told = cluster.store.run("probe", name="a", cost="")
        finally:
            monkeypatch.undo()
            forget()

        assert told != before
        assert {ours, theirs} <= libraries(server)
        assert cluster.store.run("probe", name="a", cost="") == before


@pytest.fixture
def half_way(server: RedisServer) -> Callable[[str], None]:
    """Have a submit to this namespace fail in its midst: when it has decided, and before it has written it."""
    url = add_user(server, *ALL, "-xadd")

    def fail(namespace: str) -> None:
        with Cluster(url, namespace=namespace) as cluster, pytest.raises(StoreUnavailable, match="xadd"):
            cluster.enqueue("tasks:work", cost={"cpu": 1})

    return fail


def test_a_call_that_failed_half_way_leaves_nothing_behind_for_the_next(
    server: RedisServer, half_way: Callable[[str], None]
) -> None:
    with Cluster(server.url, namespace=named()) as broken, Cluster(server.url, namespace=named()) as cluster:
        for each in (broken, cluster):
            each.register_node("a", {"cpu": 2, "gpu": 2} if each is broken else {"cpu": 1})
        for _ in range(3):
            half_way(broken.namespace)

            # Of the same name, and of another namespace.
            first, second = (cluster.enqueue("tasks:work", cost={"cpu": 1}) for _ in range(2))
            assert (first.status, second.status) == ("queued", "waiting")
            check_books(cluster.store)
            assert cluster.tracker.available("a") == {"cpu": 0}
            assert second.cancel()
            assert first.cancel()
            assert cluster.tracker.available("a") == {"cpu": 1}


def test_more_namespaces_than_the_library_remembers_are_served(server: RedisServer) -> None:
    with redis.Redis.from_url(server.url) as connection:
        clusters = [Cluster(connection=connection, namespace=named()) for _ in range(functions.MOST_NAMESPACES + 6)]
        for cluster in clusters:
            cluster.register_node("a", {"cpu": 1})
        for cluster in (*clusters, *clusters[:3]):
            assert cluster.enqueue("tasks:work", cost={"cpu": 1}).status in ("queued", "waiting")
        for cluster in clusters:
            check_books(cluster.store)
            cluster.close()
