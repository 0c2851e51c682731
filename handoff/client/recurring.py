"""What a cluster can be told to submit again and again: each call once, as those of functions are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from handoff.client.call import read_call, read_keeping
from handoff.client.calls import ClusterCalls, H, R
from handoff.errors import InvalidFunction, shown
from handoff.ledger import schedules
from handoff.ledger.clock import now_of
from handoff.ledger.recurring import Schedule
from handoff.ledger.rqmodel import DEFAULT_RESULT_TTL, CallbackLike, check_callback, check_description, check_meta
from handoff.words.code import Code
from handoff.words.constraints import Where
from handoff.words.function import Function, Isolation, OnMemoryExceeded, OnNodeLoss, Strategy
from handoff.words.recurring import CATCH_UP, OVERLAP, CatchUp, Overlap, When, parse_recurrence
from handoff.words.retrying import RetryAfter, RetryOn
from handoff.words.values import is_one_of
from handoff.words.variants import Cost

_OF_ONE = frozenset(
    ("at", "delay", "depends_on", "durability", "job_id", "on_infeasible", "replace", "unique", "unique_ttl")
)
"""What `enqueue` takes and is said of one call alone."""


class RecurringCalls(ClusterCalls[H, R]):
    """The calls of a cluster, with those of what recurs."""

    async def every(
        self,
        name: str,
        when: When,
        fn: Code,
        /,
        *args: Any,
        timezone: str | None = None,
        catch_up: CatchUp = "last",
        overlap: Overlap = "skip",
        cost: Cost | None = None,
        node: str | None = None,
        where: Where | None = None,
        strategy: Strategy | None = None,
        priority: int = 0,
        timeout: float | None = None,
        max_retries: int | None = None,
        retry_on: RetryOn | None = None,
        dont_retry_on: RetryOn | None = None,
        retry_after: RetryAfter | None = None,
        wait_ttl: float | None = None,
        result_ttl: int | None = DEFAULT_RESULT_TTL,
        failure_ttl: int | None = None,
        meta: Mapping[str, Any] | None = None,
        description: str | None = None,
        on_success: CallbackLike | None = None,
        on_failure: CallbackLike | None = None,
        isolation: Isolation = "warm",
        on_node_loss: OnNodeLoss | None = None,
        on_memory_exceeded: OnMemoryExceeded | None = None,
        **kwargs: Any,
    ) -> Schedule:
        """Submit a call of `fn` again and again: `every("nightly", "0 3 * * *", report, timezone="Europe/Paris")`.

        `when` is a cron text of five fields (or `@daily` and the like), read in `timezone` (None: UTC), or the seconds
        between two moments. It is kept in Redis, and no process has to live for it: an agent, or a client that waits,
        submits it within a second of each moment, once however many there are, as a job whose id is the name and the
        moment in UTC. In a night with an hour too few what falls into that is due at its end; of one with an hour
        twice, what names an hour is due in the first, what recurs hourly or more often in both.

        Moments that pass while nobody is there are missed: `catch_up="last"` runs once for all of them, "none" for
        none. With `overlap="skip"` a moment is left out while the run before has not ended, retries included; with
        "run" they run side by side. A name that is known is replaced, so that a program may say this whenever it
        starts: where the moments stay the same, what was due stays due, and what was paused stays paused. All else is
        as for `enqueue`. Raises what that raises, and `ValueError` for `when` and `timezone`.
        """
        schedules.check_schedule_name(name)
        for option, value, known in (("catch_up", catch_up, CATCH_UP), ("overlap", overlap, OVERLAP)):
            if not is_one_of(value, known):
                raise ValueError(f"{option} is {shown(value)}: choose one of {', '.join(known)}")
        if of_one := sorted(_OF_ONE & kwargs.keys()):
            raise InvalidFunction(
                name,
                f"{', '.join(of_one)} is said of one call, and this one recurs",
                "leave it out, or pass kwargs={...} if it is meant for the function",
            )
        args, kwargs, timeout = read_call(name, fn, args, kwargs, timeout, RecurringCalls.every)
        for callback in (on_success, on_failure):
            check_callback(name, callback)
        function = Function(
            name, fn, extra_args=args, kwargs=kwargs, cost=cost, node=node, where=where, strategy=strategy,
            priority=priority, timeout=timeout, max_retries=max_retries, retry_on=retry_on,
            dont_retry_on=dont_retry_on, retry_after=retry_after, wait_ttl=wait_ttl, isolation=isolation,
            on_node_loss=on_node_loss, on_memory_exceeded=on_memory_exceeded,
        )  # fmt: skip
        checked = self._checks.check(function)
        if checked.function.on_infeasible == "raise":
            raise InvalidFunction(name, 'its on_infeasible is "raise", and nobody is there to see it', 'choose "wait"')
        job = self._job(
            checked, "", keeping=read_keeping(name, result_ttl, failure_ttl), meta=check_meta(name, meta),
            on_success=on_success, on_failure=on_failure, description=check_description(name, description),
        )  # fmt: skip
        now_ms = await now_of(self._ledger)
        recurrence = parse_recurrence(when, timezone, now_ms)
        return await schedules.keep(
            self._ledger, name, recurrence, recurrence.after(now_ms), job, checked.path, catch_up, overlap
        )

    async def schedules(self) -> list[Schedule]:
        """What recurs, what is due next first. What nobody can read, for it was written over, is left out."""
        return await schedules.list_schedules(self._ledger)

    async def pause_schedule(self, name: str) -> Schedule:
        """Let what recurs rest; what runs of it goes on. -> as it stands now. Raises `UnknownSchedule`."""
        return await schedules.pause(self._ledger, name)

    async def resume_schedule(self, name: str) -> Schedule:
        """Let it go on at its next moment; what passed meanwhile is not caught up. Raises `UnknownSchedule`."""
        return await schedules.resume(self._ledger, name)

    async def remove_schedule(self, name: str) -> None:
        """Forget what recurs; what it has submitted goes on. Raises `UnknownSchedule`."""
        await schedules.remove(self._ledger, name)

    async def run_schedule(self, name: str) -> H:
        """Submit what recurs now, beside its moments. -> its handle. Raises `UnknownSchedule`."""
        return self._handle(await schedules.run_now(self._ledger, name), name, None, is_new=False)
