"""Tasks: functions that stay what they are, and that are submitted with what they declare."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import pickle
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import pytest

import handoff
from declared_tasks import Shop, area, later, named, parts, plain, wrapped, wrapping
from handoff import DAG, Cluster, Function, InvalidFunction, InvalidResources, task
from handoff.testing import ClusterHere
from handoff.words.code import import_path
from handoff.words.declared import Options
from handoff_worker.inside.importing import import_function


class TestStaysAFunction:
    def test_it_is_called_as_ever(self) -> None:
        assert area(3, height=4) == 12

    def test_it_is_what_its_module_and_name_give(self) -> None:
        assert import_path(area) == "declared_tasks.area"
        assert import_function("declared_tasks.area") is area
        assert pickle.loads(pickle.dumps(area)) is area

    def test_it_shows_itself_as_before(self) -> None:
        assert (area.__name__, area.__doc__) == ("area", "The area of a picture.")
        assert list(inspect.signature(area).parameters) == ["width", "height"]

    def test_what_kind_of_function_it_is_can_be_seen(self) -> None:
        assert inspect.iscoroutinefunction(later)
        assert inspect.isgeneratorfunction(parts)
        assert list(parts(2)) == [0, 1]


class TestSubmitted:
    def test_with_what_it_declares(self, handoff_cluster: ClusterHere) -> None:
        handle = area.submit(3, height=4)

        (found,) = handoff_cluster.assert_enqueued(area, args=(3,), kwargs={"height": 4}, cost={"cpu": 2})
        assert (found.id, handle.job.timeout, handle.job.get_status().value) == (handle.id, 60, "queued")
        assert handle.result() == 12

    def test_by_the_name_that_rq_has_for_it(self, handoff_cluster: ClusterHere) -> None:
        assert area.enqueue(3).result() == 3
        handoff_cluster.assert_enqueued(area, cost={"cpu": 2})

    def test_awaited_by_the_client_of_the_same_test(self, handoff_cluster: ClusterHere) -> None:
        async def main() -> int:
            handle = await area.options(priority=7).asubmit(3, height=4)
            with pytest.raises(TypeError, match="heigth"):
                await area.asubmit(3, heigth=4)  # type: ignore[call-arg]
            assert handle.verdict is not None
            assert (await handle.status(), handoff_cluster.handle(handle.id).status) == ("queued", "queued")
            result: int = await handle.result()
            return result

        assert asyncio.run(main()) == 12
        handoff_cluster.assert_enqueued(area, args=(3,), kwargs={"height": 4}, cost={"cpu": 2}, count=1)

    def test_once_for_each_value(self, handoff_cluster: ClusterHere) -> None:
        handles = area.options(timeout=7).map(range(3, 5))

        assert [handle.job.timeout for handle in handles] == [7, 7]
        assert handoff_cluster.gather(handles) == [3, 4]
        handoff_cluster.assert_enqueued(area, cost={"cpu": 2}, count=2)

    @pytest.mark.handoff(nodes={"a": {"cpu": 1}})
    def test_with_its_cost_by_whatever_way_it_comes(self, handoff_cluster: ClusterHere) -> None:
        handles = [
            area.submit(1),
            handoff.enqueue(area, 1),
            handoff.submit(Function("f", area, extra_args=(1,))),
            *handoff_cluster.submit_many([Function("f", area, extra_args=(1,))]),
        ]
        assert [handle.verdict.state for handle in handles if handle.verdict] == ["infeasible"] * 4

        run = handoff_cluster.submit_dag(DAG().add(Function("f", area, extra_args=(1,))))
        handoff_cluster.assert_enqueued(area, cost={"cpu": 2}, count=5)
        assert run.cancel()

    def test_with_what_is_named_where_it_is_submitted(self, handoff_cluster: ClusterHere) -> None:
        handle = handoff.enqueue(area, 1, cost={"cpu": 1}, timeout=7)

        handoff_cluster.assert_enqueued(area, cost={"cpu": 1})
        assert handle.job.timeout == 7

    @pytest.mark.parametrize("call", [Cluster.enqueue, Cluster.every])
    def test_what_is_not_said_with_a_call_is_left_to_what_it_declares(self, call: Callable[..., Any]) -> None:
        usual = {field.name: field.default for field in fields(Function) if field.name in Options.__annotations__}
        taken = inspect.signature(call).parameters

        assert {name: taken[name].default for name in usual.keys() & taken} == {
            name: value for name, value in usual.items() if name in taken
        }

    def test_an_inline_function_asks_for_nothing(self, handoff_cluster: ClusterHere) -> None:
        graph = DAG("g").add(Function("a", area, extra_args=(3,), type="inline")).add(Function("b", plain, args=["a"]))

        assert handoff.execute(graph).results == {"b": 3}

    def test_after_another_whose_result_it_does_not_take(self, handoff_cluster: ClusterHere) -> None:
        first = area.submit(3)
        last = area.options(depends_on=first).submit(4)
        assert last.status == "deferred"

        assert last.result() == 4

        assert first.status == "finished"

    def test_an_argument_goes_to_the_function_whatever_it_is_called(self, handoff_cluster: ClusterHere) -> None:
        handle = named.submit(args="a", kwargs="k", timeout="t", cost="c")

        assert handle.result() == ["a", "k", "t", "c"]

    def test_what_it_does_not_take_is_refused_as_where_it_is_called(self, handoff_cluster: ClusterHere) -> None:
        with pytest.raises(TypeError, match="unexpected keyword argument 'heigth'"):
            area.submit(3, heigth=4)  # type: ignore[call-arg]
        with pytest.raises(TypeError, match=r"area: .* 'priority': give priority by \.options\(priority=\.\.\.\)"):
            area.submit(3, priority=4)  # type: ignore[call-arg]
        with pytest.raises(TypeError, match="missing a required argument: 'width'"):
            area.submit()  # type: ignore[call-arg]
        assert handoff_cluster.submitted == []

    def test_a_coroutine_function_is_run(self, handoff_cluster: ClusterHere) -> None:
        assert later.submit(1).result() == 2

    def test_a_static_method_is_too(self, handoff_cluster: ClusterHere) -> None:
        assert Shop.price.submit(1).result() == 2

    def test_by_a_cluster_that_has_a_cost_for_those_without(self, handoff_cluster: ClusterHere) -> None:
        other = ClusterHere(handoff_cluster.connection, namespace="other", default_cost={"cpu": 1})
        with contextlib.closing(other):
            other.enqueue(area, 1)
            other.enqueue(plain)
            other.assert_enqueued(area, cost={"cpu": 2})
            other.assert_enqueued(plain, cost={"cpu": 1})


class TestOtherOptions:
    def test_are_of_that_one_alone(self, handoff_cluster: ClusterHere) -> None:
        small = area.options(cost={"cpu": 1}, job_id="first")

        assert (small(3), small.submit(3).id) == (3, "first")
        handle = area.submit(3)

        assert handle.id != "first"
        assert [each.costs for each in handoff_cluster.submitted] == [[{"cpu": 1}], [{"cpu": 2}]]

    def test_leave_what_they_do_not_name(self, handoff_cluster: ClusterHere) -> None:
        handle = area.options(cost={"cpu": 1}).options(timeout=7, result_ttl=60).submit(1)

        handoff_cluster.assert_enqueued(area, cost={"cpu": 1})
        assert (handle.job.timeout, handle.job.result_ttl) == (7, 60)

    def test_can_take_back_what_is_declared(self, handoff_cluster: ClusterHere) -> None:
        assert area.options(timeout=None).submit(1).job.timeout == -1

    def test_hold_where_it_is_given_to_a_cluster(self, handoff_cluster: ClusterHere) -> None:
        small = area.options(cost={"cpu": 1})

        handle = handoff.enqueue(small, 3, height=2)

        handoff_cluster.assert_enqueued(area, cost={"cpu": 1})
        assert handle.result() == 6
        with pytest.raises(InvalidFunction, match="heigth= is neither an option of enqueue nor an argument"):
            handoff.enqueue(small, 3, heigth=2)

    def test_survive_a_pickle(self, handoff_cluster: ClusterHere) -> None:
        small = pickle.loads(pickle.dumps(area.options(cost={"cpu": 1}, job_id="first")))

        assert small.submit(3).id == "first"
        handoff_cluster.assert_enqueued(area, cost={"cpu": 1})

    def test_that_there_are_not_are_told_by_what_may_have_been_meant(self) -> None:
        with pytest.raises(TypeError, match="there is no option 'max_retry': did you mean max_retries"):
            area.options(max_retry=3)

    def test_show_themselves(self) -> None:
        assert repr(plain.options(timeout=3, job_id="a")) == "plain.options(**{'timeout': 3, 'job_id': 'a'})"


class TestDeclaring:
    @pytest.mark.parametrize(
        ("options", "error", "text"),
        [
            ({"cost": {"cpu": -1}}, InvalidResources, "cpu"),
            ({"timeout": 0}, InvalidFunction, "its timeout is 0"),
            ({"where": {"a b": "c"}}, InvalidFunction, "a b"),
            ({"node": "a b"}, handoff.InvalidNode, "a b"),
            ({"job_id": "a"}, TypeError, "a task does not declare 'job_id'"),
        ],
    )
    def test_what_cannot_be_submitted_is_refused_at_once(
        self, options: dict[str, Any], error: type[Exception], text: str
    ) -> None:
        with pytest.raises(error, match=text):
            task(**options)(plain)

    def test_what_is_no_function_is_refused(self) -> None:
        with pytest.raises(TypeError, match="@task is put on a type, which is no function"):
            task(dict)

    def test_a_function_that_wraps_a_task_has_its_cost(self, handoff_cluster: ClusterHere) -> None:
        assert handoff.enqueue(wrapped, 3).result() == 6
        handoff_cluster.assert_enqueued(wrapped, cost={"cpu": 2})

    def test_a_task_may_wrap_another_function(self, handoff_cluster: ClusterHere) -> None:
        assert wrapping.submit(3).result() == 6

    def test_one_inside_a_function_is_refused_where_it_is_submitted(self, handoff_cluster: ClusterHere) -> None:
        @task
        def inner() -> None: ...

        with pytest.raises(InvalidFunction, match="exists only inside another function"):
            inner.submit()
