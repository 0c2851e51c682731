"""What a cluster can be asked: each call once, for whoever waits in his thread and whoever waits in an event loop."""

from __future__ import annotations

import abc
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Generic, Literal, TypeVar, Unpack

from handoff.books.allocator import Allocator, check_allocator, check_answer
from handoff.client.call import read_call, read_keeping
from handoff.client.depending import read_depends_on
from handoff.client.gathered import OfFunction, each_ended, gather_values, read_handles, read_handles_or_ids, read_ids
from handoff.client.many import check_many, keep_promise, read_functions, read_job_ids, taken
from handoff.client.mapped import read_calls, submit_calls
from handoff.client.node_calls import NodeCalls
from handoff.client.run_summary import RunSummary, summary
from handoff.errors import shown
from handoff.graph.dag import DAG
from handoff.ledger import functions as work
from handoff.ledger import nodes, runs
from handoff.ledger.asking import Ledger
from handoff.ledger.durable import Promise, Promises
from handoff.ledger.ends import Ends
from handoff.ledger.jobs import AS_RQ, Job, JobKinds, Keeping, make_job, pickled_or_plain
from handoff.ledger.launch import launch, plan_run
from handoff.ledger.many import Submission, Told, submit_many
from handoff.ledger.records import look
from handoff.ledger.results import RunResult, read_function_ids
from handoff.ledger.rqmodel import (
    DEFAULT_RESULT_TTL,
    CallbackLike,
    DependencyLike,
    check_callback,
    check_description,
    check_job_id,
    check_meta,
    now_text,
)
from handoff.ledger.run_options import RunOptions
from handoff.ledger.verdict import Held, Verdict
from handoff.serializer import SerializerLike, resolve
from handoff.words.checked import Checked, Checks
from handoff.words.code import Code
from handoff.words.constraints import Where
from handoff.words.declared import Options
from handoff.words.durability import Durability, check_default_durability, check_durability
from handoff.words.function import Function, Isolation, OnMemoryExceeded, OnNodeLoss, Strategy, check_strategy
from handoff.words.ids import new_id
from handoff.words.remembered import MOST_REMEMBERED
from handoff.words.resources import amounts
from handoff.words.retrying import RetryAfter, RetryOn
from handoff.words.values import Replace, check_flag, check_replace, is_unicode
from handoff.words.variants import Cost, costs_at_once, parse_variants

H = TypeVar("H", bound=OfFunction)
R = TypeVar("R")


class ClusterCalls(NodeCalls, abc.ABC, Generic[H, R]):
    """The calls of one cluster; `H` is what stands for a function that was submitted, `R` for a run."""

    def __init__(
        self,
        ledger: Ledger,
        *,
        default_cost: Cost | None,
        serializer: str | SerializerLike | None,
        allocator: Allocator | None,
        strategy: Strategy,
        durability: Durability,
    ) -> None:
        self._durability = check_default_durability(durability)
        self._default_cost = parse_variants(default_cost)
        self._strategy = check_strategy(strategy)
        super().__init__(ledger, self._strategy)
        self.serializer = pickled_or_plain(resolve(serializer))
        self._allocator = check_allocator(allocator)
        self._promises = Promises(ledger)
        #: What was read of those that were submitted one by one, and written of them.
        self._checks, self._kinds = Checks(self._default_cost, MOST_REMEMBERED), JobKinds(MOST_REMEMBERED)

    @abc.abstractmethod
    def _handle(self, job_id: str, function_id: str, verdict: Verdict | None, *, is_new: bool) -> H:
        """Make a handle of a function; `is_new` is as for `Handle`."""

    @abc.abstractmethod
    def _run_handle(self, id: str, instance: str, *, attend: bool) -> R:
        """Make a handle of a run, and say again and again that its client is there if it is to `attend`."""

    @abc.abstractmethod
    async def _result(self, run: R) -> RunResult:
        """Wait for what comes of a run."""

    async def submit(self, function: Function, *, durability: Durability | None = None) -> H:
        """Submit one function in one round trip: it is placed, or waits for room, its time, or a node that has it all.

        Never raises for lack of room: see `.verdict`. Raises `InvalidFunction`, `InvalidResources`, `InvalidNode`,
        `NotSerializable`, `TooLarge`, and where it asks for that `Infeasible`, before anything is written;
        `InvalidFunction` also where the server cannot keep this `durability` (None: the cluster's). `NotDurable` where
        it has not within the cluster's timeout: then the function stands, and the error has its handle. Where another
        function has its `unique` key nothing is written, and the handle is that one's: `.created` is False.
        """
        checked, id = self._checks.check(_a_function(function)), new_id()
        return await self._submit(checked, id, self._job(checked, id, kinds=self._kinds), durability, is_new=True)

    async def submit_many(
        self,
        functions: Iterable[Function],
        *,
        job_ids: Sequence[str] | None = None,
        replace: Replace = False,
        durability: Durability | None = None,
    ) -> list[H]:
        """Submit functions as `submit` does one, many in a round trip. -> their handles, in the same order

        They are placed, and wait, in that order. `job_ids`, one each, are given to their jobs; without, all are new.
        All of them are checked before any is written, and raise what `submit` raises, `DuplicateFunction` for a job id
        that stands twice; `replace` is that of `enqueue`. Where some are refused after that (a job id that exists, a
        function that is `Infeasible` and not to wait) or Redis goes away, the others stand, and `PartlySubmitted` has
        their handles and the errors.
        `durability` is waited for once, behind all of them; the handle of `NotDurable` is then the list of theirs.
        """
        checks, kinds, now = Checks(self._default_cost), JobKinds(), now_text()
        checked = [checks.check(_a_function(function)) for function in read_functions(functions)]
        ids = read_job_ids(job_ids, len(checked))
        check_replace(replace)
        promise = await self._promise(checked[0].id if checked else "*", durability)
        made = [
            (id, each, self._job(each, id, created_at=now, kinds=kinds)) for id, each in zip(ids, checked, strict=True)
        ]
        handles, told = await self._submit_all(made, promise, is_new=job_ids is None, replace=replace)
        return check_many(handles, told, promise)

    async def map(
        self,
        /,
        fn: Code,
        *iterables: Iterable[Any],
        kwargs: Mapping[str, Any] | None = None,
        result_ttl: int | None = DEFAULT_RESULT_TTL,
        failure_ttl: int | None = None,
        durability: Durability | None = None,
        **options: Unpack[Options],
    ) -> list[H]:
        """Submit a call of `fn` for each value of an iterable, or of several as builtin `map` does. -> their handles

        `options` are those of `Function`, such as `cost`; `kwargs` go to every call. Calls are made and sent in batches
        while the iterables are read; when it returns all are submitted. Raises what `submit_many` raises. Where a call
        breaks a rule, or an iterable raises, no more is read: nothing stands if that was in the first batch of 256,
        else what was read before it stands, and `PartlySubmitted` has those handles, and that as the last error. Nor is
        more read where Redis has gone, or none of a batch fits anywhere with `on_infeasible="raise"`; its `read` says
        where that was. An interrupt (Ctrl-C, a canceled task) has as its `__cause__` a `PartlySubmitted` with handles
        of all that may stand: `cluster.cancel(error.__cause__.handles)`.
        """
        calls, keeping = read_calls(fn, iterables, kwargs, options), read_keeping("*", result_ttl, failure_ttl)
        promise, checks = await self._promise("*", durability), Checks(self._default_cost)

        def making() -> Callable[[Function], tuple[str, Checked, Job]]:
            now, kinds = now_text(), JobKinds()

            def make(call: Function) -> tuple[str, Checked, Job]:
                checked = checks.check(call)
                return call.id, checked, self._job(checked, call.id, keeping=keeping, created_at=now, kinds=kinds)

            return make

        unpromised = await self._promise("*", "memory")
        mapped = await submit_calls(
            calls,
            making,
            lambda made: self._submit_all(made, unpromised, is_new=True),
            lambda one: self._handle(one[0], one[1].id, None, is_new=False),
        )
        await keep_promise(promise, mapped.told)
        return check_many(mapped.handles, mapped.told, promise, mapped.read, mapped.trouble)

    async def gather(
        self,
        handles: Iterable[H],
        *,
        timeout: float | None = None,
        return_exceptions: bool = False,
        progress: bool = False,
    ) -> list[Any]:
        """Wait for many functions, `timeout` seconds at most. -> their results, in the order of the handles

        Raises what `result()` of the first raises that does not finish, as soon as that is known; the others go on.
        With `return_exceptions` its error stands in place of such a result. Raises the builtin `TimeoutError`, also
        then. With `progress` a bar on stderr shows how many have ended, and where the others stand. Results are read as
        their functions end, some seconds later at most where 100,000 are waited for. Of those that were not kept so
        long, or had expired before this call, it is `UnknownFunction`; so it is of all with a `result_ttl` of 0.
        """
        check_flag("return_exceptions", return_exceptions)
        check_flag("progress", progress)
        ids = [handle.id for handle in read_handles(handles)]
        ends = Ends(self._ledger, ids, timeout)
        return await gather_values(
            self._ledger, self.serializer, ends, ids, keep_errors=return_exceptions, progress=progress
        )

    def as_completed(self, handles: Iterable[H], timeout: float | None = None) -> AsyncIterator[H]:
        """Give the handles as their functions end, however they do, also if they are gone; those that have first.

        They come in the order in which they end, to some milliseconds for every thousand of them. Each brings its
        result, for its next `result()`, as far as what is known to have ended has some 64 MB together; of others it is
        there for as long as it is kept. Where some have not ended `timeout` seconds after this call gives those that
        have, and raises the builtin `TimeoutError`.
        """
        given = read_handles(handles)
        return each_ended(self._ledger, Ends(self._ledger, [handle.id for handle in given], timeout), given)

    async def enqueue(
        self,
        /,
        fn: Code,
        *args: Any,
        cost: Cost | None = None,
        node: str | None = None,
        priority: int = 0,
        timeout: float | None = None,
        max_retries: int | None = None,
        retry_on: RetryOn | None = None,
        dont_retry_on: RetryOn | None = None,
        retry_after: RetryAfter | None = None,
        job_id: str | None = None,
        replace: Replace = False,
        result_ttl: int | None = DEFAULT_RESULT_TTL,
        failure_ttl: int | None = None,
        meta: Mapping[str, Any] | None = None,
        description: str | None = None,
        on_success: CallbackLike | None = None,
        on_failure: CallbackLike | None = None,
        where: Where | None = None,
        strategy: Strategy | None = None,
        on_infeasible: Literal["wait", "raise"] | float = "wait",
        delay: float | timedelta | None = None,
        at: datetime | None = None,
        wait_ttl: float | None = None,
        unique: str | None = None,
        unique_ttl: float | None = None,
        depends_on: OfFunction | DependencyLike | Sequence[OfFunction | DependencyLike] | None = None,
        isolation: Isolation = "warm",
        on_node_loss: OnNodeLoss | None = None,
        on_memory_exceeded: OnMemoryExceeded | None = None,
        durability: Durability | None = None,
        **kwargs: Any,
    ) -> H:
        """Submit a call as with rq's `Queue.enqueue`: what is not named here goes to the function.

        What a function that is not given by name does not take either is refused. `job_timeout` is `timeout`; `args=`
        and `kwargs=` carry arguments whose names collide with options. A `job_id` has at most 255 characters; of a
        `description`, which is only shown, the first 1,000 are kept. With `on_node_loss="fail"` it is not tried again
        where its node is lost, whatever retries are left; with `on_memory_exceeded="grow"` it is tried once more with
        more where a node stopped it for its memory. Of what it raises, `retry_on` and `dont_retry_on` say what it is
        tried again after: classes or dotted names, with their subclasses; `retry_after` how many seconds later, one
        for all or one after each attempt. Raises what `submit` raises, and `DuplicateFunction` for a
        `job_id` that exists in any state: go on with `cluster.handle(id)`. With `replace=True` a function of that id
        that has failed or was canceled makes way, with what is left of it: its error, and an `on_failure` yet to run;
        with `replace="ended"` one that has finished too, with its result.

        `depends_on`: handles, ids or rq's jobs on any queue, one of these or a list, or rq's `Dependency`. It is
        deferred, and costs nothing, until all of them have finished, retries included; then it is placed as any other.
        Where one fails for good or is canceled it stays deferred, as in rq, and `explain` says so: until that one is
        brought back and finishes, or this one is canceled. With `Dependency(jobs, allow_failure=True)` a failure will
        do. Raises `MissingFunction` for one that is not there (any more).
        """
        id = new_id() if job_id is None else check_job_id(job_id)
        args, kwargs, timeout = read_call(id, fn, args, kwargs, timeout, ClusterCalls.enqueue)
        check_replace(replace)
        for callback in (on_success, on_failure):
            check_callback(id, callback)
        function = Function(
            id, fn, extra_args=args, kwargs=kwargs, cost=cost, node=node, priority=priority,
            timeout=timeout, max_retries=max_retries, where=where, strategy=strategy, on_infeasible=on_infeasible,
            delay=delay, at=at, wait_ttl=wait_ttl, unique=unique, unique_ttl=unique_ttl,
            isolation=isolation, on_node_loss=on_node_loss, on_memory_exceeded=on_memory_exceeded, retry_on=retry_on,
            dont_retry_on=dont_retry_on, retry_after=retry_after,
        )  # fmt: skip
        checked, keeping = self._checks.check(function), read_keeping(id, result_ttl, failure_ttl)
        depends = read_depends_on(id, depends_on)
        is_usual = keeping is AS_RQ and meta is None and on_success is None and on_failure is None and depends is None
        job = self._job(
            checked, id, keeping=keeping, meta=check_meta(id, meta), on_success=on_success, on_failure=on_failure,
            description=check_description(id, description), depends=depends, kinds=self._kinds if is_usual else None,
        )  # fmt: skip
        return await self._submit(checked, id, job, durability, is_new=job_id is None, replace=replace)

    async def handle(self, id: str) -> H:
        """The handle of a function submitted anywhere. Raises `UnknownFunction`."""
        record = await look(self._ledger, id)
        return self._handle(id, record.function_id, None, is_new=False)

    async def handles(self, ids: Iterable[str]) -> list[H]:
        """The handles of functions submitted anywhere, in this order, many in a round trip.

        Raises `UnknownFunction` for the first that is none.
        """
        given = read_ids(ids)
        names = await read_function_ids(self._ledger, given)
        return [self._handle(id, name, None, is_new=False) for id, name in zip(given, names, strict=True)]

    async def cancel(self, functions: Iterable[H | str], *, running: bool = True) -> list[bool]:
        """Cancel functions, given as handles or ids, many in a round trip. -> of each whether this call decided

        Each is canceled as by `handle.cancel()`; with `running=False` what has started is left alone. False stands for
        what had ended, is gone, was canceled by another call, or is left alone. What waits among them does not start in
        the room of the others. Where Redis goes away meanwhile some are canceled: ask again.
        """
        check_flag("running", running)
        ids = read_handles_or_ids(functions)
        decided = await work.cancel_many(self._ledger, [id for id in ids if is_unicode(id)], running=running)
        return [id in decided for id in ids]

    async def submit_dag(
        self,
        dag: DAG,
        *,
        max_retries: int = 3,
        on_node_loss: OnNodeLoss = "retry",
        on_memory_exceeded: OnMemoryExceeded = "fail",
        max_concurrency: int | None = None,
        timeout: float | None = None,
        fail_fast: bool = True,
        reserve: Literal["ready", "whole"] = "ready",
        attached: bool = False,
        result_ttl: int = DEFAULT_RESULT_TTL,
        failure_ttl: int | None = None,
        durability: Durability | None = None,
    ) -> R:
        """Submit a graph, which then runs by itself: each function is placed when its dependencies have ended.

        `max_retries`, `on_node_loss` and `on_memory_exceeded` are for functions that do not say; `max_concurrency` is
        how many may be placed at once; `timeout` in seconds is for all of it. When a function has failed for good, what
        has not started is canceled and what runs is stopped; without `fail_fast` only what depends on it is canceled.
        `reserve="whole"` claims the cost of every function before any starts, all or nothing. An `attached` run is
        canceled some 15 s after this program, or this cluster object, has gone. What is left of a run is kept for
        `result_ttl` seconds if it finished, else for `failure_ttl` (None: a year).

        Raises what `submit` raises, for any of its functions, `MissingFunction`, `CyclicDependency`, `DuplicateRun` for
        an id whose run has not ended, and `ResourcesUnavailable` with `reserve="whole"`: then nothing is left of it.
        `NotDurable` has the run's handle.
        """
        if not isinstance(dag, DAG):
            raise TypeError(f"{shown(dag)} is no DAG: submit_dag takes one, submit takes a function")
        options = RunOptions(
            max_retries=max_retries, on_node_loss=on_node_loss, on_memory_exceeded=on_memory_exceeded,
            max_concurrency=max_concurrency, timeout=timeout, fail_fast=fail_fast, reserve=reserve, attached=attached,
            result_ttl=result_ttl, failure_ttl=failure_ttl,
        )  # fmt: skip
        options.check()
        plan = await plan_run(self._ledger, dag, self._default_cost)
        promise = await self._promise(dag.id, durability)
        instance = await launch(
            self._ledger,
            plan,
            options=options,
            serializer=self.serializer,
            strategy=self._strategy,
            preferred=await self._ask_allocator([step.checked for step in plan.steps]),
            run_last=promise.run,
        )
        handle = self._run_handle(dag.id, instance, attend=attached)
        promise.check(handle)
        return handle

    async def execute(self, /, dag: DAG, **options: Any) -> RunResult:
        """Submit a graph with the options of `submit_dag`, and wait for its results as `RunHandle.result` does."""
        return await self._result(await self.submit_dag(dag, **options))

    async def run(self, id: str) -> R:
        """The handle of the newest run of a DAG that was submitted anywhere. Raises `UnknownRun`."""
        found = await runs.look_run(self._ledger, id)
        return self._run_handle(found.id, found.instance, attend=False)

    async def runs(self, count: int = 100) -> list[RunSummary]:
        """The runs that are not expired, at most `count`, the newest first."""
        return [summary(run) for run in await runs.list_runs(self._ledger, count)]

    async def _submit(
        self,
        checked: Checked,
        job_id: str,
        job: Job,
        durability: Durability | None,
        *,
        is_new: bool,
        replace: Replace = False,
    ) -> H:
        preferred = ""
        if self._allocator is not None:
            preferred = (await self._ask_allocator([checked])).get(checked.id, "")
        promise = await self._promise(checked.id, durability)
        verdict = await work.submit(promise.run, job_id, checked, job, preferred=preferred, replace=replace)
        handle = self._handle_of(job_id, checked.id, verdict, is_new=is_new)
        promise.check(handle)
        return handle

    async def _submit_all(
        self, made: Sequence[tuple[str, Checked, Job]], promise: Promise, *, is_new: bool, replace: Replace = False
    ) -> tuple[list[H | None], list[Told]]:
        preferred = await self._ask_allocator([checked for _, checked, _ in made])
        submissions = [Submission(id, checked, job, preferred.get(checked.id, "")) for id, checked, job in made]
        told = await submit_many(self._ledger, submissions, promise, replace=replace)
        handles = [
            self._handle_of(each.job_id, each.function.id, became, is_new=is_new) if became else None
            for each, became in zip(submissions, taken(told), strict=True)
        ]
        return handles, told

    def _handle_of(self, job_id: str, function_id: str, verdict: Verdict, *, is_new: bool) -> H:
        """The handle of what was submitted under these ids, or of the function that has its key."""
        if isinstance(verdict, Held):
            return self._handle(verdict.job_id, verdict.function_id, verdict, is_new=False)
        return self._handle(job_id, function_id, verdict, is_new=is_new)

    def _job(self, checked: Checked, job_id: str, *, keeping: Keeping = AS_RQ, **options: Any) -> Job:
        return make_job(
            checked,
            job_id,
            serializer=self.serializer,
            strategy=self._strategy,
            max_retries=0,
            keeping=keeping,
            **options,
        )

    def _promise(self, id: str, durability: Durability | None) -> Awaitable[Promise]:
        wanted = self._durability if durability is None else check_durability(id, durability)
        return self._promises.make(id, wanted)

    async def _ask_allocator(self, functions: Sequence[Checked]) -> dict[str, str]:
        """The user's own choices, by function id. The scripts try them first, and check them."""
        if self._allocator is None or not functions:
            return {}
        asked = [replace(each.function, cost=amounts(costs_at_once(each.variants)[0])) for each in functions]
        free = {node.name: node.free() for node in await nodes.read_nodes(self._ledger) if node.state == "up"}
        return check_answer(self._allocator.allocate(asked, free))


def _a_function(given: Function) -> Function:
    if not isinstance(given, Function):
        kind = "a DAG" if isinstance(given, DAG) else f"no function, but a {type(given).__name__}"
        raise TypeError(f"what is submitted is {kind}: a DAG is submitted with submit_dag, a Function with submit")
    return given
