"""Code, options and arguments that no node could run are refused by name."""

from __future__ import annotations

import functools
import inspect
import math
from typing import Any

import pytest
import rq

from handoff.client.cluster import Cluster
from handoff.errors import InvalidFunction, NotSerializable
from handoff.words.function import Collocated
from support.refused import Call, Opaque, assert_refused, closure, enqueue, of_main, shown, submit, work


class Tool:
    def method(self) -> None: ...


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
            ({"unique": ""}, "its unique is ''"),
            ({"unique": True}, "its unique is True"),
            ({"unique": "x" * 1025}, "1 to 1024 characters"),
            ({"unique": "\ud800"}, "its unique"),
            ({"unique": "a", "unique_ttl": 0}, "its unique_ttl is 0"),
        ],
        ids=lambda value: str(value) if isinstance(value, dict) else "",
    )
    def test_an_option_that_breaks_a_rule_is_refused(self, busy: Cluster, fields: dict[str, Any], words: str) -> None:
        assert_refused(busy, submit(**fields), InvalidFunction, words)

    @pytest.mark.parametrize(
        "options",
        [
            {"at_front": True}, {"on_stopped": "m.f"}, {"pipeline": None}, {"rate_limit": 1},
            {"repeat": 1}, {"retry": 1}, {"ttl": 1}, {"webhooks": []},
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
            ({"max_retries": 10**400}, "max_retries"),
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
