"""Reads a call as rq's `Queue.enqueue` takes it: among the keywords of a function stand a few that are meant for rq."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from handoff.errors import InvalidFunction, shown
from handoff.ledger.jobs import AS_RQ, Keeping
from handoff.ledger.rqmodel import parse_timeout
from handoff.words.values import TTLS, is_ttl

#: What rq's `enqueue` takes and this one does not (yet): as arguments of the function they would fail far away.
_RQ_ONLY = frozenset(
    {"at_front", "depends_on", "on_stopped", "pipeline", "rate_limit", "repeat", "retry", "ttl", "unique", "webhooks"}
)


def read_call(
    id: str, args: tuple[Any, ...], kwargs: Mapping[str, Any], timeout: float | None
) -> tuple[tuple[Any, ...], dict[str, Any], float | None]:
    """Tell the arguments of the function, by position and by keyword, and its timeout. Raises `InvalidFunction`."""
    rest = dict(kwargs)
    if "job_timeout" in rest:
        timeout = parse_timeout(id, rest.pop("job_timeout"))
    named = rest.pop("kwargs", None)
    if refused := sorted(_RQ_ONLY & rest.keys()):
        raise InvalidFunction(
            id,
            f"enqueue does not take rq's {', '.join(refused)}",
            "leave it out (max_retries is for retry, wait_ttl for ttl, priority for at_front), or pass kwargs={...}"
            " if it is meant for the function",
        )
    if "args" in rest:
        if args:
            raise InvalidFunction(id, "arguments come both by position and in args=", "give all of them one way")
        given = rest.pop("args")
        if not isinstance(given, (list, tuple, type(None))):
            raise InvalidFunction(id, "args is neither a list nor a tuple", "write args=(value,)")
        args = tuple(given or ())
    if named is not None and not isinstance(named, Mapping):
        raise InvalidFunction(id, "kwargs is not a mapping with str keys", "write kwargs={'name': value}")
    return args, {**rest, **(named or {})}, timeout


def read_keeping(id: str, result_ttl: int | None, failure_ttl: int | None) -> Keeping:
    """Read for how long a function is kept after its end; None: as RQ keeps it. Raises `InvalidFunction`."""
    for name, value in (("result_ttl", result_ttl), ("failure_ttl", failure_ttl)):
        if value is not None and not is_ttl(value):
            raise InvalidFunction(id, f"its {name} is {shown(value)}", f"give {TTLS}")
    return Keeping(
        result_ttl=AS_RQ.result_ttl if result_ttl is None else result_ttl,
        failure_ttl=AS_RQ.failure_ttl if failure_ttl is None else failure_ttl,
    )
