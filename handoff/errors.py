"""Every error Handoff raises: one root, fields kept, "what is so: what to do".

Fields go to `super().__init__` unchanged, never the message made from them: an exception unpickles
by calling its class with `args`, so anything else loses or doubles the text on the way between processes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from handoff.shown import ids_of, is_number, where_to_look
from handoff.shown import named as named
from handoff.shown import shown as shown

_MOST_SHOWN = 12  #: functions of a cycle that its text names; it may have thousands
RESULT = "the result"  #: what `NotSerializable` calls the value that a function returned


class HandoffError(Exception):
    """The root of all errors of Handoff."""


class InvalidFunction(HandoffError):
    """A function that could not be carried to a node as it stands."""

    def __init__(self, function_id: str, what: str, advice: str) -> None:
        super().__init__(function_id, what, advice)
        self.function_id, self.what, self.advice = function_id, what, advice

    def __str__(self) -> str:
        return f"function {shown(self.function_id)}: {self.what}: {self.advice}"


class InvalidResources(HandoffError):
    """An amount or a resource name that breaks a rule; nothing was written."""

    def __init__(self, resource: object, value: object, rule: str) -> None:
        super().__init__(resource, value, rule)
        self.resource, self.value, self.rule = resource, value, rule

    def __str__(self) -> str:
        return f"resource {shown(self.resource)} with value {shown(self.value)} is not valid: {self.rule}"


class InvalidNode(HandoffError):
    """A node name, namespace or pin outside the allowed characters."""

    def __init__(self, name: object, rule: str) -> None:
        super().__init__(name, rule)
        self.name, self.rule = name, rule

    def __str__(self) -> str:
        return f"the name {shown(self.name)} is not valid: {self.rule}"


class UnknownNode(HandoffError):
    """No live node has that name."""

    def __init__(self, node: str) -> None:
        super().__init__(node)
        self.node = node

    def __str__(self) -> str:
        return f"no live node is named {shown(self.node)}: register it, start its agent, or see `handoff nodes`"


class NodeIsLeased(HandoffError):
    """The node belongs to a running agent, which alone may change or remove it: `holder` says in words to which."""

    def __init__(self, node: str, holder: str) -> None:
        super().__init__(node, holder)
        self.node, self.holder = node, holder

    def __str__(self) -> str:
        return (
            f"node {shown(self.node)} is leased by {self.holder}: "
            "change its capabilities where that agent is started, or stop it first"
        )


class ResourcesUnavailable(HandoffError):
    """The claim does not fit now; nothing was taken. `node` is None when no node at all fits."""

    def __init__(self, node: str | None, short: Mapping[str, int | float]) -> None:
        super().__init__(node, dict(short))
        self.node, self.short = node, dict(short)

    def __str__(self) -> str:
        lacks = ", ".join(f"{amount} {name}" for name, amount in self.short.items())
        where = f"node {shown(self.node)} is" if self.node is not None else "every node is"
        return f"{where} short of {lacks or 'room'}: ask for less, wait for a release, or submit it and let it wait"


_ELSEWHERE = "was submitted to another namespace, or went with what Redis has lost"


class UnknownFunction(HandoffError):
    """No function with that id is known: it never was, or its record has expired. `run` is where it was looked for."""

    def __init__(self, id: str, run: str = "") -> None:
        super().__init__(id, run)
        self.id, self.run = id, run

    def __str__(self) -> str:
        if self.run:
            return f"run {shown(self.run)} has no function {shown(self.id)}: name one of those of its DAG"
        return f"no function {shown(self.id)} is known: it expired or was deleted, {_ELSEWHERE}"


class DuplicateFunction(HandoffError):
    """The id is taken; nothing was written. `among` is what was given with the id twice, '' = it was taken before."""

    def __init__(self, id: str, among: str = "") -> None:
        super().__init__(id, among)
        self.id, self.among = id, among

    def __str__(self) -> str:
        if self.among:
            return f"two functions of one {self.among} have the id {shown(self.id)}: give one of them another"
        return (
            f"a function {shown(self.id)} exists already: go on with cluster.handle({shown(self.id)}), "
            "or choose another id; one that has failed or was canceled makes way for replace=True"
        )


class MissingFunction(HandoffError):
    """A function depends on one that is not there. `among` is where it was to be, '' = among all jobs of RQ."""

    def __init__(self, id: str, needed_by: str, among: str = "DAG") -> None:
        super().__init__(id, needed_by, among)
        self.id, self.needed_by, self.among = id, needed_by, among

    def __str__(self) -> str:
        missing = f"names {shown(self.id)}, which {f'its {self.among}' if self.among else 'RQ'} does not have"
        return f"function {shown(self.needed_by)} {missing}: add it, or correct the id"


class CyclicDependency(HandoffError):
    """Functions need each other's results. In `cycle`, which is closed, each one's goes to the next."""

    def __init__(self, cycle: Sequence[str]) -> None:
        super().__init__(list(cycle))
        self.cycle = list(cycle)

    def __str__(self) -> str:
        cycle = self.cycle
        if len(cycle) > _MOST_SHOWN:
            cycle = [*cycle[: _MOST_SHOWN - 2], f"... ({len(cycle) - 1} in all) ...", cycle[-1]]
        return f"no function can be the first of {' -> '.join(cycle)}: take one of them from the args of the next"


class UnknownRun(UnknownFunction):
    """No run of a DAG with that id is known: it never was, or its record has expired."""

    def __str__(self) -> str:
        return f"no run {shown(self.id)} is known: it expired, {_ELSEWHERE}"


class DuplicateRun(HandoffError):
    """A run of that id has not ended; nothing was written."""

    def __init__(self, id: str, state: str = "running") -> None:
        super().__init__(id, state)
        self.id, self.state = id, state  #: state: loading, running, stopping

    def __str__(self) -> str:
        if self.state == "stopping":
            return f"a run {shown(self.id)} is being ended: wait for it with run.wait(), or give the DAG another id"
        return f"a run {shown(self.id)} has not ended yet: wait for it, cancel it, or give the DAG another id"


class FunctionFailed(HandoffError):
    """The function ended with an exception on its node, for good."""

    def __init__(
        self, function_id: str, node: str | None, attempts: int, exception_type: str, message: str, traceback: str
    ) -> None:
        super().__init__(function_id, node, attempts, exception_type, message, traceback)
        self.function_id, self.node, self.attempts = function_id, node, attempts
        self.exception_type, self.message, self.traceback = exception_type, message, traceback

    def __str__(self) -> str:
        where = f"on {shown(self.node)} " if self.node else ""
        tries = f"after {self.attempts} attempt{'' if self.attempts == 1 else 's'}"
        what = f"{self.exception_type}: {self.message}" if self.message else self.exception_type
        return f"function {shown(self.function_id)} failed {where}{tries} with {what}: {where_to_look(self.traceback)}"


class FunctionCanceled(HandoffError):
    """The function was canceled; it has no result."""

    def __init__(self, function_id: str, reason: str = "") -> None:
        super().__init__(function_id, reason)
        self.function_id, self.reason = function_id, reason

    def __str__(self) -> str:
        why = f" ({self.reason})" if self.reason else ""
        return f"function {shown(self.function_id)} was canceled{why}: submit it again if you still want its result"


class RunCanceled(FunctionCanceled):
    """The run was canceled: by a call, or because the client that it was attached to went away."""

    def __init__(self, id: str, reason: str) -> None:
        super().__init__(id, reason)
        self.id = id

    def __str__(self) -> str:
        why = {"": "", "canceled": "", "detached": " (its client went away, and it was attached to that)"}
        because = why.get(self.reason, f" ({self.reason})")
        return f"run {shown(self.id)} was canceled{because}: submit it again if you still want its results"


class RunTimedOut(HandoffError, TimeoutError):
    """The run had not ended after the seconds that it was given; what was left of it is canceled."""

    def __init__(self, id: str, seconds: float) -> None:
        # Not the next in line: OSError would take two values for its errno and text.
        Exception.__init__(self, id, seconds)
        self.id, self.seconds = id, seconds

    def __str__(self) -> str:
        return (
            f"run {shown(self.id)} had not ended after {self.seconds} s: "
            "submit it again with a longer timeout, or where there is more room"
        )


class NodeLost(HandoffError):
    """The node went away while it ran the function, and no retry was left.

    `reason` says what took the function from its node where that was on purpose, such as a deadline; else it is empty.
    """

    def __init__(self, function_id: str, node: str, attempts: int, reason: str = "") -> None:
        super().__init__(function_id, node, attempts, reason)
        self.function_id, self.node, self.attempts, self.reason = function_id, node, attempts, reason

    def __str__(self) -> str:
        if self.reason:
            return (
                f"function {shown(self.function_id)} was ended on node {shown(self.node)} (attempt {self.attempts}), "
                f"for {self.reason}: submit it again, or give it max_retries"
            )
        return (
            f"function {shown(self.function_id)} was running on node {shown(self.node)} when that node was lost "
            f"(attempt {self.attempts}): submit it again, or give it max_retries"
        )


class Infeasible(HandoffError):
    """No live node could, even when idle, and it was not to wait. `for_now`: none is live, or one that is away can."""

    def __init__(self, function_id: str, reason: str, advice: str = "", for_now: bool = False) -> None:
        super().__init__(function_id, reason, advice, for_now)
        self.function_id, self.reason, self.for_now = function_id, reason, for_now
        self.advice = advice or "ask for less, or start a node that has it"

    def __str__(self) -> str:
        return (
            f"function {shown(self.function_id)} fits on no live node, even an idle one ({self.reason}): {self.advice}"
        )


class WaitExpired(HandoffError):
    """The function was ready for as long as its `wait_ttl` allows and had not started."""

    def __init__(self, function_id: str, seconds: float) -> None:
        super().__init__(function_id, seconds)
        self.function_id, self.seconds = function_id, seconds

    def __str__(self) -> str:
        return (
            f"function {shown(self.function_id)} had not started after {self.seconds} s of waiting for room: "
            "submit it again when there is room, or give it a longer wait_ttl"
        )


class NotSerializable(HandoffError):
    """A value that the serializer does not carry; nothing was written."""

    def __init__(self, argument: str, type: str) -> None:
        super().__init__(argument, type)
        self.argument, self.type = argument, type

    def __str__(self) -> str:
        article = "an" if self.type[:1].lower() in tuple("aeiou") else "a"
        do = "pass plain data or a reference to it"
        if self.argument.startswith(RESULT):
            do = "return plain data or a reference to it, take it by Argument(id, serialize=...) in a graph"
        return (
            f"{self.argument} holds {article} {self.type}, which msgpack does not carry: "
            f'{do}, or use Cluster(serializer="pickle") and agents with --allow-pickle'
        )


class TooLarge(HandoffError):
    """The arguments of a function pass the limit of one job; nothing was written."""

    def __init__(self, function_id: str, size: int, limit: int) -> None:
        super().__init__(function_id, size, limit)
        self.function_id, self.size, self.limit = function_id, size, limit

    def __str__(self) -> str:
        return (
            f"the arguments of function {shown(self.function_id)} take {self.size / 2**20:.1f} MB "
            f"and {self.limit / 2**20:.0f} MB is the limit: store the data elsewhere and pass a reference to it"
        )


class ResultTooLarge(HandoffError):
    """What a function returned passes the limit of one result; it was not kept."""

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(size, limit)
        self.size, self.limit = size, limit

    def __str__(self) -> str:
        return (
            f"the result takes {self.size / 2**20:.1f} MB and {self.limit / 2**20:.0f} MB is the limit: "
            "store the data elsewhere and return a reference to it"
        )


class ResultGone(HandoffError):
    """A result that a function takes is not there any more."""

    def __init__(self, function_id: str) -> None:
        super().__init__(function_id)
        self.function_id = function_id

    def __str__(self) -> str:
        return (
            f"the result of function {shown(self.function_id)}, which this one takes, is gone: "
            "it has expired or was deleted, so submit the whole graph again"
        )


class UnreadableField(HandoffError):
    """A field of a function's stored job that is not what it should be: somebody has written it, or a newer version."""

    def __init__(self, field: str, value: object, rule: str) -> None:
        super().__init__(field, value, rule)
        self.field, self.value, self.rule = field, value, rule

    def __str__(self) -> str:
        return (
            f"the stored job has {shown(self.value)} as {self.field}, which should be {self.rule}: "
            "submit the function again, and see that all clients and nodes are of one version"
        )


class NotAllowed(HandoffError):
    """A name that a job has for something to be called, on a node whose operator allows some alone."""

    def __init__(self, name: str, allowed: Sequence[str]) -> None:
        super().__init__(name, list(allowed))
        self.name, self.allowed = name, list(allowed)

    def __str__(self) -> str:
        module, _, last = self.name.rpartition(".")
        allow = f"{module}:{last}" if self.name.replace(".", "").isidentifier() else "and its name"
        entries = [*self.allowed[:_MOST_SHOWN], *(["..."] if len(self.allowed) > _MOST_SHOWN else [])]
        return (
            f"{shown(self.name)} is not defined in what may be called on this node, which is {', '.join(entries)}: "
            f"start its agent with --allow {allow} as well, or name what it allows"
        )


class NotDurable(HandoffError):
    """What was submitted is in Redis, and not as safe there as was asked for, as far as is known.

    `handle` is its `Handle` or `RunHandle`, of many functions a list; of an error from another process, its id.
    """

    def __init__(self, handle: object, reason: str) -> None:
        super().__init__(handle, reason)
        self.handle, self.reason = handle, reason

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (ids_of(self.handle), self.reason)

    def __str__(self) -> str:
        of = self.handle
        what = f"{len(of)} functions stand" if isinstance(of, list) else f"{shown(ids_of(of))} stands"
        return f"{what}, and {self.reason}: go on with .handle; submit it again only where that is unknown"


class PartlySubmitted(HandoffError):
    """Of functions that were submitted together not all were taken as was asked.

    By their order: `handles` has a `Handle` of each that stands (from another process its id), else None; `errors` says
    by position why one does not, or, as `NotDurable`, that it stands and is not as safe as was asked for. `read` is how
    many values `map` read, where not all. As the cause of an interrupt: no errors, and handles of all that may stand.
    """

    def __init__(self, handles: Sequence[Any], errors: Mapping[int, Exception], read: int | None = None) -> None:
        super().__init__(handles, errors, read)
        self.handles, self.errors, self.read = list(handles), dict(errors), read

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (ids_of(self.handles), self.errors, self.read)

    def __str__(self) -> str:
        count, unread = len(self.handles), f"; no more than {self.read} values were read" if self.read else ""
        if not self.errors:
            return f"{count} functions may stand that were submitted before the interrupt{unread}: go on with .handles"
        first, error = min(self.errors.items())
        why = error if isinstance(error, HandoffError) else shown(error)
        advice = "go on with .handles, and see .errors for what to submit again" if any(self.handles) else "see .errors"
        what = f"{len(self.errors)} of {count} functions were not taken as was asked, the first at {first} ({why})"
        return f"{what}{unread}: {advice}"


class OtherLayout(HandoffError):
    """The data in Redis was laid out by another version of Handoff; nothing was read of it, and nothing changed.

    `found` is its layout, `known` that of this version: integers, unless somebody has written over the first.
    """

    def __init__(self, url: str, namespace: str, found: str, known: int) -> None:
        super().__init__(url, namespace, found, known)
        self.url, self.namespace, self.found, self.known = url, namespace, found, known

    @property
    def is_older(self) -> bool:
        """Whether this version can bring it up to date."""
        return is_number(self.found) and int(self.found) < self.known

    def __str__(self) -> str:
        found = self.found if is_number(self.found) else shown(self.found)
        what = f"namespace {shown(self.namespace)} of Redis at {self.url} has data of layout {found}"
        if self.is_older:
            advice = "stop what runs an older version, and start an agent of this one, which brings it up to date"
            return f"{what}, which is older than the {self.known} of this version: {advice}"
        advice = "install the version of those who wrote it, or give another namespace"
        return f"{what}, and this version knows layout {self.known}: {advice}"


class StoreUnavailable(HandoffError):
    """Redis could not be reached, or does not do what Handoff needs of it."""

    def __init__(self, url: str, reason: str, advice: str | None = None, what: str = "is not available") -> None:
        super().__init__(url, reason, advice, what)
        self.url, self.reason, self.what = url, reason, what
        self.advice = advice or "start it, or correct the address, for instance in HANDOFF_REDIS_URL"

    def __str__(self) -> str:
        return f"Redis at {self.url} {self.what} ({self.reason}): {self.advice}"
