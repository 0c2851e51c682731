"""What is told of a server that is away, or refuses: what is so, and what to do about it. Knows no connection."""

from __future__ import annotations

import re

import redis

from handoff.errors import StoreUnavailable

_IN_SCRIPT = r"\W*script: \w+, on @?\S+$|^.*Error running script.*?: @user_script: ?\d+: (?:@user_script: ?\d+: )?"
"""Where in a script a server refused something; the second is how those before 7.0 say it."""

_FORBIDDEN = re.compile(r"^ACL failure in script|user executing the script can't", re.IGNORECASE)
"""How a missing permission begins that a script met in its midst: no reply of its own, but an error of the script."""

_LOGIN = "correct the login in the address, for instance in HANDOFF_REDIS_URL, as redis://user:password@host:port/db"

_TLS = "correct the scheme of the address (redis:// or rediss://), or its options of TLS, such as ssl_ca_certs"

_ADVICE = {
    "DB index": "name a database that it has, as redis://host:port/db",
    "DENIED": "give it a password, and the address too",
    "MISCONF": "see its log: it cannot write to its disk",
    "NOREPLICAS": "start its replicas, or correct min-replicas-to-write",
    "BUSY": "wait until that script has ended, or end it with FUNCTION KILL or SCRIPT KILL",
    "max number of clients": "raise its maxclients, or close connections that nobody uses",
}
"""What to do, by how its refusal begins."""


def unavailable(address: str, error: redis.RedisError) -> StoreUnavailable:
    """Say what redis-py says of a server in our own words."""
    said = re.sub(_IN_SCRIPT, "", str(error)).strip().rstrip(".").replace(". ", ": ") or type(error).__name__
    if isinstance(error, redis.AuthenticationError):
        is_asked = said.startswith(("HELLO must", "Authentication required"))
        reason = "it wants a password, and was given none" if is_asked else "it wants another user name or password"
        detail = "" if is_asked else f", and says: {said}"
        return StoreUnavailable(address, f"{reason}{detail}", _LOGIN, what="does not let this user in")
    if is_forbidden(error):
        said = re.sub("^ACL failure in script: ", "", said)
        return StoreUnavailable(
            address, said, "give this user the rights that workers/README.md lists", what="does not permit that"
        )
    if isinstance(error, redis.exceptions.InvalidResponse):
        return StoreUnavailable(address, f"what answers there is no Redis: {said}", "correct the address")
    if isinstance(error, redis.exceptions.OutOfMemoryError):
        return StoreUnavailable(address, f"it is full: {said}", "raise its maxmemory, or delete what nobody needs")
    if isinstance(error, redis.exceptions.BusyLoadingError):
        return StoreUnavailable(address, said, "wait until it has loaded its data")
    if isinstance(error, redis.exceptions.ReadOnlyError | redis.exceptions.MasterDownError):
        return StoreUnavailable(address, said, "give the address of the master, or of its sentinels")
    if "SSL" in said or "certificate" in said:
        return StoreUnavailable(address, said, _TLS)
    return StoreUnavailable(address, said, next((text for how, text in _ADVICE.items() if said.startswith(how)), None))


def is_forbidden(error: BaseException | None) -> bool:
    """Whether its user lacks a permission."""
    return isinstance(error, redis.exceptions.NoPermissionError) or (
        isinstance(error, redis.ResponseError) and _FORBIDDEN.search(str(error)) is not None
    )
