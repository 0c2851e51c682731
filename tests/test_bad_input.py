"""What a caller gets wrong is refused in one sentence, before anything is written; what only looks wrong is not."""

from __future__ import annotations

import functools
import inspect
import math
import os
import subprocess
import sys
import textwrap
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from fractions import Fraction
from typing import Any

import fakeredis
import numpy as np
import pytest
import redis
import rq

from handoff.client.cluster import Cluster
from handoff.errors import (
    DuplicateFunction,
    HandoffError,
    InvalidFunction,
    InvalidNode,
    InvalidResources,
    NotSerializable,
    ResourcesUnavailable,
    TooLarge,
    UnknownFunction,
    UnknownNode,
)
from handoff.ledger.states import TERMINAL
from handoff.local.server import RedisServer
from handoff.words.function import Collocated, Function
from support.books import check_books

MB = 10**6

Call = Callable[[Cluster], object]


def work(*args: Any, **kwargs: Any) -> None:
    """Stands for a user's function."""


def of_main() -> None:
    """As if it had been written in a script."""


of_main.__module__ = "__main__"


def closure() -> Callable[[], None]:
    def inner() -> None: ...

    return inner


class Tool:
    def method(self) -> None: ...


class Opaque:
    """Nothing that msgpack carries."""


def shown(value: object) -> str:
    """An id for a test that is the same in every process."""
    if isinstance(value, dict):
        return ", ".join(f"{name}={shown(each)}" for name, each in value.items())
    return str(value) if isinstance(value, str | float | int) else getattr(value, "__name__", type(value).__name__)


def dump(connection: redis.Redis) -> dict[bytes, bytes | None]:
    """Everything that is stored, as it is stored."""
    return {key: connection.dump(key) for key in connection.scan_iter("*", count=1000)}


@pytest.fixture(autouse=True)
def _empty(connection: redis.Redis) -> None:
    connection.flushdb()


@pytest.fixture
def busy(cluster: Cluster) -> Cluster:
    """A cluster with something in every part of the books."""
    cluster.register_node("a", {"cpu": 4, "gpu": 2, "slots": 3})
    cluster.tracker.request("a", {"cpu": 1, "gpu": 0.5})
    cluster.enqueue(work, job_id="queued")
    cluster.enqueue(work, job_id="waiting", cost={"cpu": 4})
    return cluster


def assert_refused(cluster: Cluster, call: Call, error: type[HandoffError], *words: str) -> None:
    """The call raises one sentence with these words and leaves everything as it is."""
    before = dump(cluster.connection)

    with pytest.raises(error) as caught:
        call(cluster)

    assert type(caught.value) is error
    text = str(caught.value)
    assert "\n" not in text
    assert not [word for word in words if word not in text], text
    assert dump(cluster.connection) == before


def submit(**fields: Any) -> Call:
    return lambda cluster: cluster.submit(Function("f", **{"code": work, **fields}))


def enqueue(*args: Any, **kwargs: Any) -> Call:
    return lambda cluster: cluster.enqueue(work, *args, **kwargs)


AMOUNTS = [
    (True, "not a bool"),
    (np.True_, "not a bool"),
    ("2", "is an int, float"),
    (None, "is an int, float"),
    ([1], "is an int, float"),
    (1 + 0j, "is an int, float"),
    (math.nan, "finite"),
    (math.inf, "finite"),
    (Decimal("NaN"), "finite"),
    (np.float32("inf"), "finite"),
    (-1, "at least 0"),
    (-0.00001, "at least 0"),
    (Fraction(-1, 3), "at least 0"),
    (10**11 + 1, "at most 10**11"),
    (1e12, "at most 10**11"),
    (Decimal("1e400"), "at most 10**11"),
]

NAMES = ["", "1cpu", "c pu", "cpu,gpu", "cpu=1", "cpu@a", "gpu#idle", "a" * 65, "größe", "cpu\n", 7, None, ("cpu",)]


class TestAmounts:
    @pytest.mark.parametrize(("value", "rule"), AMOUNTS, ids=[repr(value) for value, _ in AMOUNTS])
    def test_a_cost_that_breaks_a_rule_is_refused_everywhere(self, busy: Cluster, value: Any, rule: str) -> None:
        cost = {"memory": 1, "cpu": value}

        for call in (
            submit(cost=cost),
            enqueue(cost=cost),
            lambda cluster: cluster.resources_available("a", cost),
            lambda cluster: cluster.tracker.request("a", cost),
            lambda cluster: cluster.tracker.allocate_and_claim([Function("f", work, cost=cost)]),
        ):
            assert_refused(busy, call, InvalidResources, "'cpu'", repr(value), rule)

    @pytest.mark.parametrize(
        ("value", "rule"),
        [(value, rule) for value, rule in AMOUNTS if value != [1]],
        ids=[repr(value) for value, _ in AMOUNTS if value != [1]],
    )
    def test_a_capability_that_breaks_a_rule_is_refused(self, busy: Cluster, value: Any, rule: str) -> None:
        capabilities = {"memory": 1, "cpu": value}

        for call in (
            lambda cluster: cluster.register_node("a", capabilities),
            lambda cluster: cluster.register_node("new", capabilities),
        ):
            assert_refused(busy, call, InvalidResources, "'cpu'", rule)

    @pytest.mark.parametrize("name", NAMES, ids=repr)
    def test_a_name_that_breaks_the_rule_is_refused_everywhere(self, busy: Cluster, name: Any) -> None:
        amounts = {"cpu": 1, name: 1}

        for call in (
            submit(cost=amounts),
            lambda cluster: cluster.register_node("a", amounts),
            lambda cluster: cluster.register_node("new", amounts),
            lambda cluster: cluster.resources_available("a", amounts),
            lambda cluster: cluster.tracker.request("a", amounts),
        ):
            assert_refused(busy, call, InvalidResources, repr(name), "a name is")

    @pytest.mark.parametrize("cost", [1, "cpu=1", ["cpu"], {"cpu"}, [("cpu", 1)]], ids=repr)
    def test_a_cost_that_is_no_mapping_is_refused(self, busy: Cluster, cost: Any) -> None:
        for call in (submit(cost=cost), lambda cluster: cluster.register_node("a", cost)):
            assert_refused(busy, call, InvalidResources, "mapping")

    def test_slots_are_set_and_never_asked_for(self, busy: Cluster) -> None:
        for value in (1, 0, 2.5):
            assert_refused(busy, submit(cost={"slots": value}), InvalidResources, "'slots'", "slot by itself")

        busy.register_node("b", {"cpu": 1, "slots": 1})
        assert busy.discover_nodes()["b"] == {"cpu": 1, "slots": 1}

    @pytest.mark.parametrize("value", [1.5, 2.0001, Fraction(7, 2)])
    def test_devices_are_asked_for_whole_or_as_a_share_of_one(self, busy: Cluster, value: float) -> None:
        for call in (submit(cost={"gpu": value}), lambda cluster: cluster.tracker.request("a", {"gpu": value})):
            assert_refused(busy, call, InvalidResources, "'gpu'", "whole number", "share of one device")

    @pytest.mark.parametrize(
        "value",
        [1.5, 0.5, 4097, [0, 0], [-1], [0.5], [True], ["0"], [65536], list(range(4097))],
        ids=lambda value: str(value)[:12],
    )
    def test_a_node_lists_whole_and_distinct_devices(self, busy: Cluster, value: Any) -> None:
        assert_refused(busy, lambda cluster: cluster.register_node("a", {"gpu": value}), InvalidResources, "'gpu'")

    def test_slots_are_no_devices(self, busy: Cluster) -> None:
        assert_refused(busy, lambda cluster: cluster.register_node("a", {"slots": [0]}), InvalidResources, "'slots'")

    def test_one_and_a_half_of_a_declared_device_fits_nowhere(self, cluster: Cluster) -> None:
        cluster.register_node("a", {"fpga": [0, 1]})

        assert not cluster.resources_available("a", {"fpga": 1.5})
        with pytest.raises(ResourcesUnavailable):
            cluster.tracker.request("a", {"fpga": 1.5})
        assert cluster.enqueue(work, cost={"fpga": 1.5}).verdict.state == "infeasible"  # type: ignore[union-attr]

    @pytest.mark.parametrize(
        "value",
        [0, 0.0, 10**11, 0.0001, Decimal("1E-9"), Fraction(1, 3), np.int64(2), np.float32(0.1), np.uint8(7), -0.0],
        ids=repr,
    )
    def test_everything_that_the_rules_allow_is_taken(self, cluster: Cluster, value: Any) -> None:
        cluster.register_node("a", {"cpu": 10**11})

        reservation = cluster.tracker.request("a", {"cpu": value})

        assert cluster.tracker.release(reservation)
        assert cluster.enqueue(work, cost={"cpu": value}).verdict.state == "placed"  # type: ignore[union-attr]

    def test_a_default_cost_keeps_the_same_rules(self, connection: redis.Redis) -> None:
        with pytest.raises(InvalidResources, match="'cpu'"):
            Cluster(connection=connection, default_cost={"cpu": -1})


class TestNames:
    @pytest.mark.parametrize(
        "name", ["", "a b", "a/b", "a:b", "a,b", "a#b", "nöde", "a" * 129, "a\n", None, 7, b"a"], ids=repr
    )
    def test_a_node_name_that_breaks_the_rule_is_refused(self, busy: Cluster, name: Any) -> None:
        assert_refused(busy, lambda cluster: cluster.register_node(name, {"cpu": 1}), InvalidNode, repr(name))
        if name is not None:
            assert_refused(busy, submit(node=name), InvalidNode, repr(name))
            assert_refused(busy, enqueue(node=name), InvalidNode, repr(name))

    @pytest.mark.parametrize("namespace", ["", "a.b", "a:b", "a b", "a" * 65, "ü", None, 7], ids=repr)
    def test_a_namespace_that_breaks_the_rule_is_refused(self, connection: redis.Redis, namespace: Any) -> None:
        with pytest.raises(InvalidNode):
            Cluster(connection=connection, namespace=namespace)

    def test_a_node_that_nobody_knows_is_named(self, busy: Cluster) -> None:
        for call in (
            lambda cluster: cluster.deregister_node("gone"),
            lambda cluster: cluster.tracker.request("gone", {}),
            lambda cluster: cluster.tracker.available("gone"),
            lambda cluster: cluster.tracker.capabilities("gone"),
        ):
            assert_refused(busy, call, UnknownNode, "'gone'")
        assert not busy.resources_available("gone", {})

    @pytest.mark.parametrize("name", ["", "a b", "*", "a,b", "no:such"])
    def test_a_name_that_no_node_can_have_belongs_to_none(self, busy: Cluster, name: str) -> None:
        busy.register_node("b", {"cpu": 9})

        assert not busy.resources_available(name, {})
        for call in (
            lambda cluster: cluster.deregister_node(name),
            lambda cluster: cluster.tracker.request(name, {}),
            lambda cluster: cluster.tracker.available(name),
        ):
            assert_refused(busy, call, UnknownNode, repr(name))
        assert_refused(
            busy, lambda cluster: cluster.tracker.allocate_and_claim([Function("f", work)], nodes=[name]),
            ResourcesUnavailable,
        )  # fmt: skip

    @pytest.mark.parametrize("id", ["", "gone", "*", "queued:1", "no such"])
    def test_a_function_that_nobody_knows_is_named(self, busy: Cluster, id: str) -> None:
        assert_refused(busy, lambda cluster: cluster.handle(id), UnknownFunction, repr(id))

    @pytest.mark.parametrize("ttl", [0, -1, math.nan, math.inf, "1", True], ids=repr)
    def test_a_claim_lasts_for_finite_seconds_above_zero(self, busy: Cluster, ttl: Any) -> None:
        before = dump(busy.connection)

        with pytest.raises(ValueError, match="ttl"):
            busy.tracker.request("a", {}, ttl=ttl)

        assert dump(busy.connection) == before


class TestWhatNeverFits:
    def test_a_cost_larger_than_any_node_waits_as_infeasible_with_the_reason(self, busy: Cluster) -> None:
        verdict = busy.enqueue(work, cost={"cpu": 5, "gpu": 3}).verdict

        assert verdict is not None
        assert (verdict.state, verdict.node, verdict.devices) == ("infeasible", None, {})
        assert verdict.reason == "cpu 5 wanted, a has 4; gpu 3 wanted, a has 2"

    def test_an_unknown_pin_waits_as_infeasible_and_names_the_node(self, busy: Cluster) -> None:
        handle = busy.enqueue(work, node="gone")

        assert handle.verdict is not None
        assert handle.verdict.state == "infeasible"
        assert "node gone" in handle.verdict.reason
        assert handle.status == "waiting"

    def test_both_start_when_a_node_comes_that_has_it(self, cluster: Cluster) -> None:
        large, pinned = cluster.enqueue(work, cost={"cpu": 5}), cluster.enqueue(work, node="late")

        cluster.register_node("late", {"cpu": 5})

        assert (large.node, pinned.node) == ("late", "late")


class TestFunctions:
    @pytest.mark.parametrize(
        ("code", "words"),
        [
            (lambda: None, "lambda"),
            (closure(), "inside another function"),
            (of_main, "__main__"),
            ("__main__:work", "__main__"),
            (functools.partial(work, 1), "functools.partial"),
            (Tool().method, "method of one Tool object"),
            (Tool(), "cannot be called"),
            (None, "cannot be called"),
            ("tasks.work", "does not name a module"),
            ("tasks:", "does not name a module"),
            (":work", "does not name a module"),
            ("tasks:work()", "does not name a module"),
        ],
        ids=["lambda", "closure", "main", "main text", "partial", "method", "object", "None", "dots", "a", "b", "call"],
    )
    def test_code_that_no_node_can_import_is_refused(self, busy: Cluster, code: Any, words: str) -> None:
        assert_refused(busy, submit(code=code), InvalidFunction, words)
        assert_refused(busy, lambda cluster: cluster.enqueue(code, 1), InvalidFunction, words)

    @pytest.mark.parametrize(
        ("fields", "words"),
        [
            ({"args": ["other"]}, "outside a DAG"),
            ({"args": "other"}, "neither a list nor a tuple"),
            ({"extra_args": 1}, "neither a list nor a tuple"),
            ({"kwargs": {1: 2}}, "kwargs"),
            ({"type": "inline"}, "inline"),
            ({"type": "daemon"}, "type"),
            ({"argument_inclusion": "some"}, "argument_inclusion"),
            ({"node": Collocated("other")}, "inside a DAG"),
            ({"max_retries": -1}, "max_retries"),
            ({"max_retries": 1.0}, "max_retries"),
            ({"max_retries": True}, "max_retries"),
            ({"timeout": 0}, "timeout"),
            ({"timeout": -1}, "timeout"),
            ({"timeout": math.nan}, "timeout"),
            ({"timeout": math.inf}, "timeout"),
            ({"timeout": "5m"}, "timeout"),
            ({"priority": 1001}, "priority"),
            ({"priority": -1001}, "priority"),
            ({"priority": 1.0}, "priority"),
            ({"priority": True}, "priority"),
            ({"duration": -1}, "duration"),
        ],
        ids=lambda value: str(value) if isinstance(value, dict) else "",
    )
    def test_an_option_that_breaks_a_rule_is_refused(self, busy: Cluster, fields: dict[str, Any], words: str) -> None:
        assert_refused(busy, submit(**fields), InvalidFunction, words)

    @pytest.mark.parametrize(
        "options",
        [
            {"at_front": True}, {"depends_on": "other"}, {"on_stopped": "m.f"}, {"pipeline": None}, {"rate_limit": 1},
            {"repeat": 1}, {"retry": 1}, {"ttl": 1}, {"unique": True}, {"webhooks": []},
        ],
        ids=str,
    )  # fmt: skip
    def test_what_only_rq_takes_is_refused_by_name_and_can_still_be_an_argument(
        self, busy: Cluster, options: dict[str, Any]
    ) -> None:
        (name,) = options
        assert_refused(busy, enqueue(**options), InvalidFunction, f"does not take rq's {name}")
        assert_refused(busy, enqueue(args=(1,), **options), InvalidFunction, f"does not take rq's {name}")

        assert busy.enqueue(work, kwargs=options).job.kwargs == options

    def test_every_option_of_rq_is_taken_or_refused_and_never_passed_on_to_the_function(self, busy: Cluster) -> None:
        call = inspect.signature(rq.Queue.enqueue_call).parameters
        values: dict[str, Any] = dict.fromkeys(name for name in call if name not in ("self", "func", "args", "kwargs"))
        values |= {"timeout": 9, "job_timeout": 9, "job_id": "mine", "meta": {"a": 1}, "at_front": True}
        assert {"depends_on", "description", "result_ttl"} < values.keys()

        for name, value in values.items():
            try:
                handle = busy.enqueue(work, **{name: value})
            except InvalidFunction:
                continue
            assert handle.job.kwargs == {}, name

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ({"job_id": ""}, "job_id"),
            ({"job_id": "a b"}, "job_id"),
            ({"job_id": "a:1"}, "job_id"),
            ({"job_id": 7}, "job_id"),
            ({"job_timeout": "banana"}, "job_timeout"),
            ({"job_timeout": 0}, "timeout"),
            ({"timeout": -5}, "timeout"),
            ({"result_ttl": -2}, "result_ttl"),
            ({"result_ttl": 1.5}, "result_ttl"),
            ({"result_ttl": "500"}, "result_ttl"),
            ({"result_ttl": True}, "result_ttl"),
            ({"result_ttl": 10**16}, "result_ttl"),
            ({"failure_ttl": -2}, "failure_ttl"),
            ({"failure_ttl": 10**16}, "failure_ttl"),
            ({"priority": 5000}, "priority"),
            ({"max_retries": -1}, "max_retries"),
            ({"on_success": lambda *_: None}, "lambda"),
            ({"on_failure": lambda *_: None}, "lambda"),
            ({"on_failure": of_main}, "__main__"),
            ({"on_success": rq.Callback(closure())}, "inside another function"),
        ],
        ids=shown,
    )
    def test_an_option_of_enqueue_that_breaks_a_rule_is_refused(
        self, busy: Cluster, options: dict[str, Any], words: str
    ) -> None:
        assert_refused(busy, enqueue(**options), InvalidFunction, words)

    def test_arguments_come_by_position_or_in_args_and_not_both(self, busy: Cluster) -> None:
        assert_refused(busy, enqueue(1, args=(2,)), InvalidFunction, "both by position and in args=")

        handle = busy.enqueue(work, args=(1,), kwargs={"timeout": 5, "args": 2}, timeout=9)
        assert (handle.job.args, handle.job.kwargs, handle.job.timeout) == ((1,), {"timeout": 5, "args": 2}, 9)

    @pytest.mark.parametrize(
        ("call", "names"),
        [
            (enqueue(1, Opaque()), ["argument 1", "Opaque"]),
            (enqueue([{"deep": Opaque()}]), ["argument 0", "'deep'", "Opaque"]),
            (enqueue(1, model=Opaque()), ["'model'", "Opaque"]),
            (enqueue(work), ["argument 0", "function"]),
            (submit(extra_args=[Opaque()]), ["argument 0", "Opaque"]),
            (submit(kwargs={"model": {1: Opaque()}}), ["'model'", "Opaque"]),
            (enqueue(meta={"owner": Opaque()}), ["owner", "Opaque"]),
        ],
        ids=["position", "deep", "keyword", "function", "extra_args", "kwargs", "meta"],
    )
    def test_an_argument_that_cannot_be_carried_is_named(self, busy: Cluster, call: Call, names: list[str]) -> None:
        assert_refused(busy, call, NotSerializable, *names)


class TestDuplicates:
    @pytest.mark.parametrize("status", ["waiting", "queued", "canceled", *sorted(TERMINAL), "started", "scheduled"])
    def test_an_id_that_exists_in_any_state_is_refused(self, busy: Cluster, status: str) -> None:
        id = status if status in ("waiting", "queued") else "other"
        if id == "other":
            busy.enqueue(work, job_id=id)
            busy.handle(id).cancel()
            busy.connection.hset(busy.store.keys("rq_job", id), "status", status)

        assert_refused(busy, enqueue(job_id=id), DuplicateFunction, repr(id))
        busy.connection.delete(busy.store.keys("rq_job", "other"))

    def test_an_id_of_another_namespace_or_of_a_job_of_rq_itself_is_refused_too(self, busy: Cluster) -> None:
        rq.Queue("default", connection=busy.connection).enqueue("tasks.work", job_id="rqs-own")
        with Cluster(connection=busy.connection, namespace="other") as other:
            other.enqueue(work, job_id="theirs")

            for id in ("rqs-own", "theirs"):
                assert_refused(busy, enqueue(job_id=id), DuplicateFunction, repr(id))
            assert other.handle("theirs").cancel()

    def test_of_eight_that_enqueue_one_id_at_the_same_time_one_succeeds(self, cluster: Cluster) -> None:
        cluster.register_node("a", {"cpu": 1})
        start = threading.Barrier(8)

        def attempt(_: int) -> bool:
            start.wait(timeout=20)
            try:
                cluster.enqueue(work, job_id="one", cost={"cpu": 1})
            except DuplicateFunction:
                return False
            return True

        with ThreadPoolExecutor(8) as threads:
            outcomes = list(threads.map(attempt, range(8)))

        assert sorted(outcomes) == [False] * 7 + [True]
        assert cluster.tracker.available("a") == {"cpu": 0}


class TestSizes:
    def test_arguments_of_seven_megabytes_arrive_as_they_were(self, cluster: Cluster) -> None:
        data = os.urandom(7 * MB)
        cluster.register_node("a", {"cpu": 1})

        handle = cluster.enqueue(work, data)

        assert handle.verdict is not None
        assert handle.verdict.state == "placed"
        assert handle.job.args == (data,)

    @pytest.mark.parametrize("data", [bytes(9 * MB), "x" * (9 * MB), [1] * (9 * MB)], ids=["bytes", "str", "list"])
    def test_arguments_of_nine_megabytes_are_refused_with_their_size(self, busy: Cluster, data: Any) -> None:
        assert_refused(busy, enqueue(data), TooLarge, "8.6 MB", "8 MB is the limit")

    def test_many_arguments_count_together(self, busy: Cluster) -> None:
        assert_refused(busy, enqueue(*[bytes(MB)] * 9), TooLarge, "8.6 MB")

    def test_an_empty_call_and_a_very_long_text_are_nothing_special(self, cluster: Cluster) -> None:
        handle = cluster.enqueue(work, "", b"", None, "ü\0\n\ud800" * 1000, description="d" * 100_000, meta={"": ""})

        assert handle.job.args == ("", b"", None, "ü\0\n\ud800" * 1000)
        assert handle.job.description == "d" * 100_000


class TestConnections:
    def test_a_connection_that_decodes_does_no_harm(self, connection: redis.Redis) -> None:
        kwargs = connection.connection_pool.connection_kwargs
        decoding = redis.Redis(
            connection_pool=redis.ConnectionPool(
                connection_class=connection.connection_pool.connection_class, **{**kwargs, "decode_responses": True}
            )
        )
        with Cluster(connection=decoding, namespace=f"t{uuid.uuid4().hex}") as cluster:
            cluster.register_node("a", {"cpu": 1, "gpu": 1})

            handle = cluster.enqueue(work, b"\xff", cost={"gpu": 0.5})

            assert (handle.node, handle.devices, handle.status) == ("a", {"gpu": [0]}, "queued")
            assert handle.job.args == (b"\xff",)
            assert cluster.discover_nodes() == {"a": {"cpu": 1, "gpu": 1}}
            assert cluster.events()[0][1]["event"] == "node"
            assert handle.cancel()
            check_books(cluster.store)
        assert decoding.ping()
        decoding.connection_pool.disconnect()

    def test_eight_threads_share_one_cluster_while_the_server_forgets_its_scripts(self, cluster: Cluster) -> None:
        cluster.register_node("a", {"cpu": 3})
        done = threading.Event()

        def forget() -> int:
            flushes = 0
            while not done.is_set():
                cluster.connection.script_flush()
                flushes += 1
            return flushes

        def use(number: int) -> list[bool]:
            outcomes = []
            for _ in range(6):
                handle = cluster.enqueue(work, cost={"cpu": 1}, priority=number)
                cluster.resources_available("a", {"cpu": 1})
                outcomes.append(handle.cancel())
            return outcomes

        with ThreadPoolExecutor(9) as threads:
            flushing = threads.submit(forget)
            try:
                outcomes = [outcome for each in threads.map(use, range(8)) for outcome in each]
            finally:
                done.set()

        assert flushing.result() > 0
        assert outcomes == [True] * 48
        assert cluster.tracker.available("a") == {"cpu": 3}

    def test_every_call_works_when_the_server_has_just_forgotten_all_scripts(self, cluster: Cluster) -> None:
        def forgotten() -> Cluster:
            cluster.connection.script_flush()
            return cluster

        forgotten().register_node("a", {"cpu": 2})
        assert forgotten().discover_nodes() == {"a": {"cpu": 2}}
        claim = forgotten().tracker.request("a", {"cpu": 1})
        claims = forgotten().tracker.allocate_and_claim([Function("f", work, cost={"cpu": 1})])
        handle = forgotten().enqueue(work, cost={"cpu": 1})
        assert not forgotten().resources_available("a", {"cpu": 1})
        assert forgotten().tracker.release(claim)
        assert handle.status == "queued"
        assert forgotten().tracker.release(claims["f"])
        assert forgotten().handle(handle.id).cancel()
        with pytest.raises(TimeoutError):
            forgotten().enqueue(work, node="a").result(timeout=0)
        forgotten().deregister_node("a")

    def test_a_cluster_is_used_on_both_sides_of_a_fork(self, server: RedisServer) -> None:
        # In a process of its own: this one has threads, and a fork of it would have to be careful.
        script = textwrap.dedent("""
            import os, sys
            from handoff.client.cluster import Cluster

            cluster = Cluster(sys.argv[1], namespace=sys.argv[2])
            cluster.enqueue("tasks:work", cost={"cpu": 1}, job_id=f"{sys.argv[2]}-before")
            child = os.fork()
            side = "parent" if child else "child"
            for number in range(20):
                id = f"{sys.argv[2]}-{side}-{number}"
                assert cluster.enqueue("tasks:work", cost={"cpu": 1}, job_id=id).id == id
                assert cluster.handle(id).status in ("queued", "waiting")
            if child:
                assert os.waitpid(child, 0)[1] == 0, "the child failed"
            os._exit(0)
        """)
        with Cluster(server.url, namespace=f"t{uuid.uuid4().hex}") as cluster:
            cluster.register_node("a", {"cpu": 30})

            command = [sys.executable, "-c", script, server.url, cluster.namespace]
            done = subprocess.run(command, capture_output=True, timeout=50, text=True)

            assert (done.returncode, done.stderr) == (0, "")
            assert cluster.tracker.available("a") == {"cpu": 0}
            assert cluster.connection.zcard(cluster.store.keys("rq_deferred", cluster.namespace)) == 11
            check_books(cluster.store)

    def test_a_url_and_a_connection_are_not_given_together(self) -> None:
        with pytest.raises(ValueError, match="give one"):
            Cluster("redis://localhost", connection=fakeredis.FakeRedis())

    def test_a_url_that_is_none_is_refused_when_the_cluster_is_made(self) -> None:
        with pytest.raises(ValueError, match="scheme"):
            Cluster("localhost:6379")

    @pytest.mark.parametrize("serializer", ["json", "msgpacks", Opaque(), 7], ids=shown)
    def test_a_serializer_that_agents_do_not_know_is_refused(self, connection: redis.Redis, serializer: Any) -> None:
        with pytest.raises(ValueError, match="is not a serializer"):
            Cluster(connection=connection, serializer=serializer)
