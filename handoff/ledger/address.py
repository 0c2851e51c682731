"""The address of Redis: the client that a text makes, and the texts that a client makes.

`redis://`, `rediss://` and `unix://` are read by redis-py. Of masters behind Sentinel it knows no text:

    redis+sentinel://user:password@host:port,host:port/service/db?option=value

The login is that of Redis, and of sentinels that want one; `sentinel_password` and the like are for these alone.
"""

from __future__ import annotations

import enum
import inspect
import re
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode

import redis
import redis.asyncio
from redis.connection import SSLConnection, parse_url
from redis.sentinel import SentinelConnectionPool

from handoff.ledger.sentinels import MasterPool, Sentinels, place, place_of

SENTINEL_PORT = 26379

_SCHEMES = ("redis", "rediss", "unix", "redis+sentinel", "rediss+sentinel")

_FOR_SENTINELS = "sentinel_"
"""How options begin that are for the connections to sentinels."""

_parse_url: Any = parse_url

_master_pool: Any = MasterPool


def from_url(url: str) -> redis.Redis:
    """A client with the settings of a URL, which connects when it is first used.

    Raises ValueError, which says nothing of a password.
    """
    scheme, given, rest = url.partition("://")
    scheme = scheme.lower()
    if scheme not in _SCHEMES or not given:
        raise ValueError(f"it does not begin with {', '.join(f'{each}://' for each in _SCHEMES)}")
    try:
        if scheme.endswith("+sentinel"):
            client = _behind_sentinels(rest, is_tls=scheme == "rediss+sentinel")
        else:
            client = _plain(f"{scheme}://{rest}")
        _check_options(client.connection_pool)
    except (TypeError, redis.RedisError) as error:
        unknown = re.search(r"unexpected keyword argument ('\w+')", str(error))
        raise ValueError(
            f"it has the option {unknown[1]}, which its connections do not know" if unknown else str(error)
        ) from error
    return client


def address_of(client: redis.Redis) -> str:
    """The server's address for people: without a password."""
    pool: Any = client.connection_pool
    kwargs = pool.connection_kwargs
    if path := kwargs.get("path"):
        return f"unix://{path}"
    return f"{_scheme(pool)}://{_where(pool)}"


def url_of(client: redis.Redis) -> str:
    """A URL with which another client reaches the same server: with its password."""
    pool: Any = client.connection_pool
    kwargs = pool.connection_kwargs
    user, password = kwargs.get("username") or "", kwargs.get("password") or ""
    login = f"{quote(user, safe='')}:{quote(password, safe='')}@" if user or password else ""
    if path := kwargs.get("path"):
        return f"unix://{login}{path}?db={kwargs.get('db') or 0}"
    options = _tls_options(kwargs) if issubclass(pool.connection_class, redis.SSLConnection) else {}
    if isinstance(pool, SentinelConnectionPool):
        options |= _sentinel_options(pool, options)
    query = f"?{urlencode(options)}" if options else ""
    return f"{_scheme(pool)}://{login}{_where(pool)}{query}"


def _scheme(pool: Any) -> str:
    is_tls = issubclass(pool.connection_class, redis.SSLConnection | redis.asyncio.SSLConnection)
    scheme = "rediss" if is_tls else "redis"
    return f"{scheme}+sentinel" if isinstance(pool, SentinelConnectionPool) else scheme


def _where(pool: Any) -> str:
    kwargs = pool.connection_kwargs
    db = kwargs.get("db") or 0
    if isinstance(pool, SentinelConnectionPool):
        sentinels = ",".join(map(place_of, pool.sentinel_manager.sentinels))
        return f"{sentinels}/{quote(pool.service_name, safe='')}/{db}"
    return f"{place(kwargs.get('host', 'localhost'), kwargs.get('port', 6379))}/{db}"


def _plain(url: str) -> redis.Redis:
    try:
        return redis.Redis.from_url(url)
    except ValueError as error:
        # Of others' texts some repeat a piece of the address, and so perhaps of a password.
        said = str(error) if "Invalid value for" in str(error) else "it cannot be read: a / in a password is %2F"
        raise ValueError(said) from None


def _behind_sentinels(rest: str, *, is_tls: bool) -> redis.Redis:
    where, _, query = rest.partition("#")[0].partition("?")
    hosts, _, path = where.partition("/")
    login, _, hosts = hosts.rpartition("@")
    service, _, db = path.partition("/")
    if not service:
        raise ValueError("it names no service, which is what the sentinels call the master")
    places = [_host(f"host {number} of its sentinels", text) for number, text in enumerate(hosts.split(","), 1)]
    given = dict(parse_qsl(query, keep_blank_values=True))
    of_sentinels = {
        name.removeprefix(_FOR_SENTINELS): given.pop(name) for name in list(given) if name.startswith(_FOR_SENTINELS)
    }
    force_master_ip = given.pop("force_master_ip", None)
    others = _number("min_other_sentinels", given.pop("min_other_sentinels", "0"))
    user, _, password = login.partition(":")
    names = {name: unquote(text) for name, text in (("username", user), ("password", password)) if text}
    settings = _typed(given) | names
    if db:
        settings["db"] = _number("its db", db.removesuffix("/"))
    own_tls: dict[str, Any] = {}
    if of_sentinels.pop("ssl", str(is_tls)).lower() in ("true", "yes", "1"):
        own_tls = {"ssl": True} | {name: value for name, value in settings.items() if name.startswith("ssl_")}
    sentinels = Sentinels(
        places, own_tls | _typed(of_sentinels), login=names, min_other_sentinels=others, force_master_ip=force_master_ip
    )
    _check_options(sentinels.sentinels[0].connection_pool)
    return redis.Redis.from_pool(_master_pool(unquote(service), sentinels, ssl=is_tls, **settings))


def _host(what: str, text: str) -> tuple[str, int]:
    found = re.fullmatch(r"(?:\[([^][]+)\]|([^][:\s]+))(?::(.*))?", text)
    if found is None:
        # Not the text: it is a piece of a password where a / in that is not written as %2F.
        raise ValueError(f"{what} is not host:port, with brackets around an IPv6 address")
    bracketed, bare, port = found.groups()
    return bracketed or unquote(bare), SENTINEL_PORT if port is None else _number(f"the port of {what}", port, 65535)


def _number(what: str, text: str, most: int = 2**31) -> int:
    if not re.fullmatch("[0-9]{1,10}", text) or int(text) > most:
        raise ValueError(f"{what} is no number up to {most}")
    return int(text)


def _typed(options: Mapping[str, str]) -> dict[str, Any]:
    """Options of a connection, as redis-py reads them in a URL."""
    return dict(_parse_url(f"redis://?{urlencode(options)}"))


def _check_options(pool: Any) -> None:
    """Make a connection that does not connect: redis-py refuses only then what it knows no option for."""
    pool.connection_class(**pool.connection_kwargs)


def _tls_options(kwargs: Mapping[str, Any]) -> dict[str, str]:
    """What a URL says of TLS, where it is not what redis-py does by itself."""
    usual = inspect.signature(SSLConnection.__init__).parameters
    said = {
        name: _option(value)
        for name, value in kwargs.items()
        if name in usual and name.startswith("ssl_") and value != usual[name].default
    }
    return {name: text for name, text in said.items() if text is not None}


def _option(value: Any) -> str | None:
    """As text; None for what no text can say."""
    if value is None:
        return "none"
    if isinstance(value, list):
        return ",".join(flag.name for flag in value)
    if isinstance(value, ssl.VerifyMode):
        return value.name.removeprefix("CERT_").lower()
    if isinstance(value, int):
        return str(int(value)) if isinstance(value, enum.Enum) else str(value)
    return value if isinstance(value, str) else None


def _sentinel_options(pool: Any, of_master: Mapping[str, str]) -> dict[str, str]:
    """What a URL says of sentinels, where it is not what they have of their master."""
    manager = pool.sentinel_manager
    kwargs = manager.sentinel_kwargs
    has_tls, is_tls = bool(kwargs.get("ssl")), issubclass(pool.connection_class, redis.SSLConnection)
    options = {name: str(kwargs[name]) for name in ("username", "password") if kwargs.get(name)}
    if has_tls != is_tls:
        options["ssl"] = str(has_tls).lower()
    if has_tls:
        options |= {name: text for name, text in _tls_options(kwargs).items() if of_master.get(name) != text}
    options = {f"{_FOR_SENTINELS}{name}": text for name, text in options.items()}
    if manager.min_other_sentinels:
        options["min_other_sentinels"] = str(manager.min_other_sentinels)
    if ip := getattr(manager, "force_master_ip", None):
        options["force_master_ip"] = ip
    return options
