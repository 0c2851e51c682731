"""The address of Redis as text: what is read, what is written, and what is said of one that is none."""

from __future__ import annotations

import ssl
from typing import Any

import pytest
import redis
from redis.sentinel import SentinelConnectionPool

from handoff.ledger.address import address_of, from_url, url_of
from handoff.ledger.store import own_client
from support.connections import sentinel_of, settings

SECRET = "their-word"


def hosts(client: redis.Redis) -> list[tuple[str, int]]:
    pool: Any = client.connection_pool
    return [(kwargs["host"], kwargs["port"]) for kwargs in map(settings, pool.sentinel_manager.sentinels)]


def of_sentinels(client: redis.Redis) -> dict[str, Any]:
    pool: Any = client.connection_pool
    return settings(pool.sentinel_manager.sentinels[0])


@pytest.mark.parametrize(
    "url",
    [
        "redis://localhost:6379/0",
        "redis://:p%40ss%2Fword@redis.example:7000/3",
        "redis://[::1]:6379/0",
        "rediss://user:secret@redis.example:6380/1",
        "rediss://redis.example:6380/1?ssl_ca_certs=%2Fca.pem&ssl_check_hostname=False",
        "rediss://redis.example:6380/1?ssl_min_version=771&ssl_include_verify_flags=VERIFY_X509_STRICT",
        "unix://:secret@/run/redis.sock?db=2",
        "redis+sentinel://one:1/main/0",
        "redis+sentinel://user:p%40ss%2Fword@one:1,two:2,[::1]:3/my%20%2F%20main/3",
        "redis+sentinel://one:1/main/0?sentinel_username=u&sentinel_password=p%26w",
        "redis+sentinel://one:1/main/0?min_other_sentinels=2&force_master_ip=10.0.0.1",
        "redis+sentinel://one:1/main/0?sentinel_ssl=true&sentinel_ssl_ca_certs=%2Fca.pem",
        "rediss+sentinel://one:1/main/0?ssl_ca_certs=%2Fca.pem",
        "rediss+sentinel://one:1/main/0?ssl_ca_certs=%2Fca.pem&sentinel_ssl_ca_certs=%2Fother.pem",
        "rediss+sentinel://one:1/main/0?ssl_cert_reqs=none&sentinel_ssl=false",
    ],
)
def test_a_url_leads_to_where_it_came_from(url: str) -> None:
    assert url_of(own_client(None, url)) == url
    assert url_of(own_client(from_url(url), None)) == url


def test_the_parts_of_a_master_behind_sentinels_are_read() -> None:
    client = from_url("redis+sentinel://u:p%40w@one:1,two,[::1]:3/my%20main/2?health_check_interval=9")

    assert hosts(client) == [("one", 1), ("two", 26379), ("::1", 3)]
    pool = client.connection_pool
    assert isinstance(pool, SentinelConnectionPool)
    assert pool.service_name == "my main"
    assert pool.is_master
    expected = {"username": "u", "password": "p@w", "db": 2, "health_check_interval": 9}
    assert settings(client).items() >= expected.items()
    assert not of_sentinels(client)["password"]


@pytest.mark.parametrize(
    ("url", "db"),
    [
        ("REDIS+Sentinel://one/main", 0),
        ("redis+sentinel://one/main/", 0),
        ("redis+sentinel://one/main/7/", 7),
        ("redis+sentinel://one/main?db=7", 7),
        ("redis+sentinel://one/main/7?db=2", 7),
    ],
)
def test_a_db_stands_behind_the_service_if_it_is_not_the_first(url: str, db: int) -> None:
    assert (settings(from_url(url)).get("db") or 0) == db


@pytest.mark.parametrize(
    ("url", "master", "sentinel"),
    [
        ("redis+sentinel://one/main", False, False),
        ("rediss+sentinel://one/main", True, True),
        ("rediss+sentinel://one/main?sentinel_ssl=false", True, False),
        ("redis+sentinel://one/main?sentinel_ssl=true", False, True),
    ],
)
def test_tls_is_for_the_master_and_its_sentinels_if_nothing_else_is_said(
    url: str, master: bool, sentinel: bool
) -> None:
    client = from_url(url)
    pool: Any = client.connection_pool

    assert issubclass(pool.connection_class, redis.SSLConnection) is master
    asked = pool.sentinel_manager.sentinels[0].connection_pool.connection_class
    assert issubclass(asked, redis.SSLConnection) is sentinel


def test_a_sentinel_that_is_away_is_not_asked_again_and_again() -> None:
    own = of_sentinels(own_client(from_url("redis+sentinel://one/main"), None))

    assert own["retry"].get_retries() == 0
    assert (own["socket_timeout"], own["socket_connect_timeout"]) == (1.0, 1.0)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "does not begin with redis://"),
        ("localhost", "does not begin with redis://"),
        ("http://one", "redis+sentinel://"),
        ("sentinel://one/main", "redis+sentinel://"),
        ("redis+sentinel://", "names no service"),
        ("redis+sentinel://one:1", "names no service"),
        ("redis+sentinel://one:1/", "names no service"),
        ("redis+sentinel:///main/0", "host 1"),
        ("redis+sentinel://u:p@/main/0", "host 1"),
        ("redis+sentinel://one:1,,two:2/main/0", "host 2"),
        ("redis+sentinel://one:1,two 2/main/0", "host 2"),
        ("redis+sentinel://::1:26379/main", "brackets around an IPv6 address"),
        ("redis+sentinel://one:x/main", "the port of host 1"),
        ("redis+sentinel://one:/main", "the port of host 1"),
        ("redis+sentinel://one:65536/main", "the port of host 1"),
        ("redis+sentinel://one/main/x", "its db"),
        ("redis+sentinel://one/main/-1", "its db"),
        ("redis+sentinel://one/main/0/1", "its db"),
        ("redis+sentinel://one/main?colour=red", "the option 'colour'"),
        ("redis+sentinel://one/main?sentinel_colour=red", "the option 'colour'"),
        ("redis+sentinel://one/main?health_check_interval=often", "health_check_interval"),
        ("redis+sentinel://one/main?min_other_sentinels=few", "min_other_sentinels"),
        ("rediss+sentinel://one/main?ssl_cert_reqs=often", "often"),
        ("redis://one?colour=red", "the option 'colour'"),
        (f"redis://:{SECRET}/{SECRET}@one:1/0", "%2F"),
        (f"redis+sentinel://:{SECRET}/{SECRET}@one:1/main/0", "host 1"),
        (f"redis+sentinel://:{SECRET}@one:x/main/0", "the port of host 1"),
    ],
)
def test_what_is_no_address_is_told_before_anything_is_asked(url: str, said: str) -> None:
    with pytest.raises(ValueError, match=r"\w") as told:
        from_url(url)

    assert said in str(told.value)
    assert SECRET not in str(told.value)


@pytest.mark.parametrize(
    ("given", "address"),
    [
        (from_url(f"rediss://user:{SECRET}@redis.example:6380/1"), "rediss://redis.example:6380/1"),
        (from_url(f"unix://:{SECRET}@/run/redis.sock"), "unix:///run/redis.sock"),
        (
            from_url(f"redis+sentinel://u:{SECRET}@one:1,two:2/main/3?sentinel_password={SECRET}"),
            "redis+sentinel://one:1,two:2/main/3",
        ),
        (
            sentinel_of([("one", 1), ("::1", 2)], sentinel_kwargs={"password": SECRET}).master_for("a b", ssl=True),
            "rediss+sentinel://one:1,[::1]:2/a%20b/0",
        ),
    ],
    ids=["tls", "unix", "sentinels by url", "given sentinels"],
)
def test_an_address_for_people_holds_no_password(given: redis.Redis, address: str) -> None:
    assert address_of(own_client(given, None)) == address


@pytest.mark.parametrize(
    ("given", "url"),
    [
        (
            sentinel_of([("one", 1), ("two", 2)], password="p/w", db=2).master_for("main"),
            "redis+sentinel://:p%2Fw@one:1,two:2/main/2",
        ),
        (
            sentinel_of([("one", 1)], min_other_sentinels=1, sentinel_kwargs={"password": "s"}).master_for("main"),
            "redis+sentinel://one:1/main/0?sentinel_password=s&min_other_sentinels=1",
        ),
        (
            sentinel_of([("one", 1)]).master_for("main", ssl=True, ssl_ca_certs="/ca.pem"),
            "rediss+sentinel://one:1/main/0?ssl_ca_certs=%2Fca.pem&sentinel_ssl=false",
        ),
        (
            redis.Redis("one", ssl=True, ssl_cert_reqs=ssl.CERT_NONE, ssl_min_version=ssl.TLSVersion.TLSv1_2),
            "rediss://one:6379/0?ssl_cert_reqs=none&ssl_min_version=771",
        ),
    ],
    ids=["login", "sentinels' login", "tls of the master alone", "tls by types of Python's"],
)
def test_the_url_of_a_given_connection_leads_to_the_same_master(given: redis.Redis, url: str) -> None:
    assert url_of(own_client(given, None)) == url
    assert url_of(from_url(url)) == url
