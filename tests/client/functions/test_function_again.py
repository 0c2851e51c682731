"""Of functions that are submitted again and again what is remembered is what each of them would say by itself."""

from __future__ import annotations

import gc
import itertools
import sys
import weakref
from collections.abc import Callable
from types import ModuleType
from typing import Any

import fakeredis
import pytest

from handoff.client.cluster import Cluster
from handoff.errors import InvalidFunction
from handoff.ledger.fields import FIELDS
from handoff.ledger.store import Store
from handoff.words.code import import_path
from handoff.words.function import Function

OF_THE_SUBMIT = {"created_at", "token", "job_id", FIELDS["function"].name}
"""What is another for each submit."""


@pytest.fixture
def server() -> fakeredis.FakeServer:
    return fakeredis.FakeServer()


@pytest.fixture
def cluster(server: fakeredis.FakeServer) -> Cluster:
    return Cluster(connection=fakeredis.FakeRedis(server=server), namespace="t")


def field(cluster: Cluster, job_id: str, field: str) -> Any:
    return cluster.connection.hget(cluster.store.keys("rq_job", job_id), FIELDS[field].name)


def plain(value: int = 0) -> None:
    del value


CALLS: list[dict[str, Any]] = [
    {}, {"result_ttl": 5}, {"failure_ttl": 7}, {"meta": {"by": "me"}}, {"description": "what it is"},
    {"on_success": plain}, {"on_failure": plain}, {"args": (1,)}, {"cost": {"cpu": 2}}, {"where": {"zone": "a"}},
    {"priority": 3}, {"result_ttl": 500}, {"meta": {}}, {"unique": "key", "unique_ttl": 900}, {"timeout": 5},
]  # fmt: skip


def test_each_call_is_written_as_if_it_were_the_first(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    noted: list[dict[str, Any]] = []

    def note(store: Store, script: str, *fields: Any, **arguments: Any) -> tuple[list[Any], bool]:
        noted.append({**dict(zip(fields[::2], fields[1::2], strict=True)), **arguments})
        return ["waiting", 1], False

    monkeypatch.setattr(Store, "run_noting", note)

    def written(cluster: Cluster, options: dict[str, Any]) -> dict[str, Any]:
        cluster.enqueue(plain, **options)
        return {name: value for name, value in noted.pop().items() if name not in OF_THE_SUBMIT}

    for before, options in itertools.product(CALLS, repeat=2):
        written(cluster, before)
        fresh = Cluster(connection=cluster.connection, namespace="t")

        assert written(cluster, options) == written(fresh, options)


def test_where_it_may_run_is_read_anew(cluster: Cluster) -> None:
    where = {"zone": "a"}
    function = Function("f", plain, where=where)
    demands = []
    for zone in "aab":
        where["zone"] = zone
        demands.append(field(cluster, cluster.submit(function).id, "demand"))

    assert demands == [b"slots=10000@zone=a", b"slots=10000@zone=a", b"slots=10000@zone=b"]


def test_each_says_when_it_was_submitted(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter(["2027-01-01T00:00:00.000000Z", "2027-01-01T00:00:01.000000Z"])
    monkeypatch.setattr("handoff.ledger.jobs.now_text", lambda: next(times))
    said = [field(cluster, cluster.submit(Function("f", plain)).id, "created_at") for _ in range(2)]

    assert said == [b"2027-01-01T00:00:00.000000Z", b"2027-01-01T00:00:01.000000Z"]


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A module that is imported as any other."""
    made = ModuleType("reloaded_module")
    monkeypatch.setitem(sys.modules, made.__name__, made)
    return made


def made_in(module: ModuleType) -> Callable[[], None]:
    """A function that stands in the module as `f`, as a reload would put it there."""
    exec("def f() -> None: pass", module.__dict__)
    made: Callable[[], None] = module.__dict__["f"]
    return made


def test_code_that_its_module_has_no_longer_is_refused(cluster: Cluster, module: ModuleType) -> None:
    first = made_in(module)
    for _ in range(2):
        cluster.submit(Function("f", first))
    second = made_in(module)

    with pytest.raises(InvalidFunction, match="another object"):
        cluster.submit(Function("f", first))
    cluster.submit(Function("f", second))


def test_code_of_a_module_that_is_gone_is_refused(
    cluster: Cluster, module: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = made_in(module)
    cluster.submit(Function("f", code))
    monkeypatch.delitem(sys.modules, module.__name__)

    with pytest.raises(InvalidFunction, match="does not import"):
        cluster.submit(Function("f", code))


def test_a_path_is_that_of_each_function(module: ModuleType) -> None:
    first, other = made_in(module), plain

    assert [import_path(code) for code in (first, other, first, other)] == [
        "reloaded_module.f", f"{__name__}.plain", "reloaded_module.f", f"{__name__}.plain",
    ]  # fmt: skip


class Value:
    """Something that is large."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (int, ())


def test_the_values_of_a_call_are_not_kept(server: fakeredis.FakeServer) -> None:
    with Cluster(connection=fakeredis.FakeRedis(server=server), namespace="t", serializer="pickle") as cluster:
        value = Value()
        kept = weakref.ref(value)
        cluster.enqueue(print, args=(value,), cost={"cpu": 1})
        cluster.submit(Function("f", print, extra_args=(value,), kwargs={"sep": value}))
        del value
        gc.collect()

        assert kept() is None
