"""A call that is sent and answered later: it is one call like any other, whatever happens in between."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import fakeredis
import pytest

from handoff.client.cluster import Cluster
from handoff.errors import StoreUnavailable
from handoff.ledger.asking import ScriptBug
from handoff.ledger.store import Store, own_client
from handoff.local.server import RedisServer
from support.link import Link
from support.private_servers import client
from support.proxy import FaultyProxy
from support.users import ALL, ONLY_SCRIPTS, add_user
from support.waiting import wait_until

ANSWER = ["limited"]

LARGE = 2**18 + 1


@pytest.fixture
def link(server: RedisServer) -> Iterator[Link]:
    with Link(server.port) as link:
        yield link


@pytest.fixture
def linked(server: RedisServer, link: Link) -> Iterator[Store]:
    with Cluster(link.url(server.url), namespace=f"t{uuid.uuid4().hex[:12]}") as cluster:
        cluster.store.run("limit", count=1, ms=0)
        yield cluster.store


def begin(store: Store, count: int = 7) -> Any:
    return store.begin("limit", count=count, ms=0)


def is_done(store: Store, server: RedisServer, count: int = 7) -> Callable[[], bool]:
    admin: Any = client(server)
    return lambda: admin.hget(store.keys("overtaking"), "count") == str(count).encode()


def test_it_is_carried_out_whether_or_not_anybody_asks_for_the_answer(real: Cluster, server: RedisServer) -> None:
    # A server that does not know the operation is given it by who reads what it says of that.
    real.store.run("nodes")

    begun = begin(real.store)

    wait_until(is_done(real.store, server), "it is carried out")

    assert begun.answer() == ANSWER


def test_calls_that_are_made_meanwhile_have_their_own_answers(real: Cluster) -> None:
    begun = begin(real.store)

    assert real.store.run("nodes")[0] == "nodes"
    again = begin(real.store)

    assert (begun.answer(), again.answer()) == (ANSWER, ANSWER)


@pytest.mark.parametrize("user", [ALL, ONLY_SCRIPTS], ids=["functions", "scripts"])
def test_a_server_that_has_lost_what_it_was_given_is_given_it_when_the_answer_is_asked_for(
    own_server: RedisServer, user: str
) -> None:
    with Cluster(add_user(own_server, *user), namespace="t") as cluster:
        cluster.store.run("nodes")
        admin: Any = client(own_server)
        admin.function_flush()
        admin.script_flush()

        begun = begin(cluster.store)

        assert begun.answer() == ANSWER
        assert is_done(cluster.store, own_server)()


def test_where_another_call_finds_out_meanwhile_that_there_are_no_functions_it_is_called_as_a_script(
    own_server: RedisServer,
) -> None:
    with Cluster(add_user(own_server, *ONLY_SCRIPTS), namespace="t") as cluster:
        begun = begin(cluster.store)
        cluster.store.run("nodes")

        assert begun.answer() == ANSWER
        assert is_done(cluster.store, own_server)()


def test_an_answer_that_went_with_its_connection_is_none_and_the_call_may_have_been_carried_out(
    server: RedisServer,
) -> None:
    named = f"t{uuid.uuid4().hex[:12]}"
    with FaultyProxy("127.0.0.1", server.port) as proxy, Cluster(proxy.url(server.url), namespace=named) as cluster:
        cluster.store.run("nodes")
        proxy.drop_reply(1)
        begun = begin(cluster.store)

        with pytest.raises(StoreUnavailable):
            begun.answer()

        assert is_done(cluster.store, server)()


def test_an_answer_that_does_not_come_in_time_is_none_and_the_next_call_takes_another_connection(
    linked: Store, link: Link
) -> None:
    link.silence()
    begun = begin(linked)

    with pytest.raises(StoreUnavailable, match="Timeout"):
        begun.answer(0.01)

    assert linked.attempt("nodes")[0] == "nodes"
    assert link.connections == 2


def test_what_cannot_be_sent_says_so_at_once() -> None:
    store = Store(own_client(None, "redis://127.0.0.1:1/0"), "t")

    with pytest.raises(StoreUnavailable):
        begin(store)


def test_an_answer_that_somebody_does_without_is_given_to_nobody_else(real: Cluster) -> None:
    begin(real.store).give_up()

    assert real.store.run("nodes")[0] == "nodes"


def test_there_is_something_to_read_when_the_answer_is_here(real: Cluster) -> None:
    begun = begin(real.store)

    begun.socket.settimeout(60)
    assert begun.socket.recv(1, 2)  # MSG_PEEK: it stays there

    assert begun.answer() == ANSWER


def test_of_what_is_large_the_answer_is_to_be_asked_for_at_once(real: Cluster) -> None:
    begun = real.store.begin("parcel", token="t", offset=0, piece="x" * LARGE)

    assert begun.socket is None
    assert begun.answer() == ["has", LARGE]


def test_without_sockets_it_is_carried_out_when_the_answer_is_asked_for() -> None:
    store = Store(own_client(fakeredis.FakeRedis(), None), "t")
    begun = begin(store)

    assert begun.socket is None
    assert begun.answer() == ANSWER


def test_without_sockets_nothing_has_been_done_of_what_is_given_up() -> None:
    store = Store(own_client(fakeredis.FakeRedis(), None), "t")

    begin(store).give_up()

    assert store.client.keys() == []


def test_what_a_script_raises_is_a_bug_as_ever(real: Cluster) -> None:
    begun = real.store.begin("limit", count="x", ms=0)

    with pytest.raises(ScriptBug, match="limit"):
        begun.answer()
