"""Calls that are declared once: a function that knows what it asks for, and how it is submitted."""

from __future__ import annotations

import difflib
import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from types import FunctionType
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, Protocol, TypeVar, Unpack, cast, overload

from handoff.client.cluster import Cluster
from handoff.client.default import default_cluster
from handoff.client.handle import Handle
from handoff.errors import shown
from handoff.words.declared import Declared, Options, check_options, declare

if TYPE_CHECKING:
    import handoff.aio

P = ParamSpec("P")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


class Task(Protocol[P, R_co]):
    """A function that can be called as ever, and submitted with what it declares.

    It is submitted to the default cluster: that of `handoff.connect`, of the environment, or of a unit test.
    """

    __name__: str
    __qualname__: str

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co:
        """Call it here and now."""

    def submit(self, *args: P.args, **kwargs: P.kwargs) -> Handle:
        """Submit a call, as `Cluster.enqueue` does: all that is given goes to the function, whatever it is called.

        Arguments that it does not take raise `TypeError`, as they do where it is called.
        """

    def enqueue(self, *args: P.args, **kwargs: P.kwargs) -> Handle:
        """The same as `submit`, by the name that rq has for it."""

    async def asubmit(self, *args: P.args, **kwargs: P.kwargs) -> handoff.aio.Handle:
        """The same as `submit`, awaited: by `handoff.aio.default_cluster()`, which gives a handle for asyncio."""

    def map(self, *iterables: Iterable[Any]) -> list[Handle]:
        """Submit a call for each value of an iterable, or of several as builtin `map` does: see `Cluster.map`."""

    def options(self, **options: Any) -> Task[P, R_co]:
        """The same function with other options: those that it declares, and of `Cluster.enqueue` any other.

        `resize.options(cost={"gpu": 1}, job_id="resize-17").submit(17)`. What it declares and is not named stays.
        """


class TaskWith(Declared, Generic[P, R]):
    """A `Task` that is an object beside its function, which has other options."""

    def __init__(
        self, function: Callable[P, R], declared: Mapping[str, Any], of_a_call: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(function, declared)
        self.function: Callable[P, R] = function
        self._of_a_call = dict(of_a_call or {})  #: options of `Cluster.enqueue` that cannot be declared
        functools.update_wrapper(self, function, updated=())

    def __repr__(self) -> str:
        return f"{self.function.__qualname__}.options(**{shown({**self.declared, **self._of_a_call})})"

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return self.function(*args, **kwargs)

    def submit(self, *args: P.args, **kwargs: P.kwargs) -> Handle:
        self._check_fits(args, kwargs)
        return default_cluster().enqueue(cast(Any, self), args=args, kwargs=kwargs, **self._of_a_call)

    def enqueue(self, *args: P.args, **kwargs: P.kwargs) -> Handle:
        return self.submit(*args, **kwargs)

    async def asubmit(self, *args: P.args, **kwargs: P.kwargs) -> handoff.aio.Handle:
        # Whoever does not ask for it does without redis.asyncio.
        from handoff.aio.default import default_cluster as default_in_loop

        self._check_fits(args, kwargs)
        return await default_in_loop().enqueue(cast(Any, self), args=args, kwargs=kwargs, **self._of_a_call)

    def map(self, *iterables: Iterable[Any]) -> list[Handle]:
        return default_cluster().map(cast(Any, self), *iterables, **self._of_a_call)

    def options(self, **options: Any) -> TaskWith[P, R]:
        declared = {name: value for name, value in options.items() if name in Options.__annotations__}
        of_a_call = {name: value for name, value in options.items() if name not in declared}
        for name in of_a_call:
            _check_is_option(name)
        check_options(self.function, declared)
        return TaskWith(self.function, {**self.declared, **declared}, {**self._of_a_call, **of_a_call})

    def _check_fits(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        try:
            self._signature.bind(*args, **kwargs)
        except TypeError as error:
            options = {*Options.__annotations__, *_options_of_a_call()}
            meant = sorted(options & kwargs.keys() - self._signature.parameters.keys())
            advice = f": give {meant[0]} by .options({meant[0]}=...)" if meant else ""
            raise TypeError(f"{self.function.__qualname__}: {error}{advice}") from None

    @functools.cached_property
    def _signature(self) -> inspect.Signature:
        return inspect.signature(self.function)


@overload
def task(function: Callable[P, R], /) -> Task[P, R]: ...
@overload
def task(function: None = None, /, **options: Unpack[Options]) -> Callable[[Callable[P, R]], Task[P, R]]: ...
def task(function: Callable[P, R] | None = None, /, **options: Unpack[Options]) -> Any:
    """Declare once what calls of a function ask for: `@task(cost={"gpu": 1}, timeout=60, max_retries=2)`.

    The function stays what it is, and is called and imported as ever; it gets `submit`, `enqueue`, `asubmit`,
    `map` and `options`.
    What it declares holds wherever it is submitted: by `cluster.enqueue`, in a `Function`, in a graph. What is named
    there goes first, but for what names the default. Raises what submitting with these options would raise.
    """
    if function is None:
        return functools.partial(_declared, options=options)
    return _declared(function, options)


def _declared(function: Callable[P, R], options: Options) -> Task[P, R]:
    if not isinstance(function, FunctionType):
        kind = type(function).__name__
        raise TypeError(f"@task is put on a {kind}, which is no function: wrap it in one that is made with def")
    check_options(function, options)
    made = TaskWith(function, dict(options))
    for name in ("submit", "enqueue", "asubmit", "map", "options"):
        setattr(function, name, getattr(made, name))
    declare(function, made)
    return cast(Task[P, R], function)


def _options_of_a_call() -> list[str]:
    parameters = inspect.signature(Cluster.enqueue).parameters.values()
    return [each.name for each in parameters if each.kind is each.KEYWORD_ONLY]


def _check_is_option(name: str) -> None:
    known = _options_of_a_call()
    if name not in known:
        near = difflib.get_close_matches(name, [*known, *Options.__annotations__], n=1)
        advice = f"did you mean {near[0]}?" if near else "see Cluster.enqueue for those that there are"
        raise TypeError(f"there is no option {shown(name)}: {advice}")
