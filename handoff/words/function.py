"""What a user hands over: one function with its arguments, cost and constraints, and the rules it must keep.

Pure: knows nothing of Redis or of rq's classes, and imports no module but the one a given callable says it is from.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from datetime import UTC, datetime, timedelta
from numbers import Real
from typing import TYPE_CHECKING, Any, Literal, get_args

from handoff.errors import InvalidFunction
from handoff.words.constraints import Where, parse_where
from handoff.words.variants import Cost, parse_variants

if TYPE_CHECKING:
    from handoff.graph.dag import Argument

Code = Callable[..., Any] | str

Strategy = Literal["first_available", "load_balanced"]
"""Which of the nodes that fit is taken: the first in order, or the one with the largest share to spare."""

STRATEGIES: tuple[Strategy, ...] = get_args(Strategy)

HIGHEST_PRIORITY = 1000
"""Priorities run from minus this to this."""

LONGEST_TIMEOUT_S = 2**31 - 1
"""What alarm(2) takes."""

LONGEST_WAIT_S = 10**9
"""Delays and limits of waiting: in ms, far below the last exact integer of Lua."""

_OF_SCHEDULED = ("node", "where", "strategy", "delay", "at", "wait_ttl", "timeout", "max_retries")
"""What an inline function must not have, beside a cost."""

_WAITS = f"seconds above 0 and at most {LONGEST_WAIT_S}"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Collocated:
    """A place: wherever the function with this id is put."""

    id: str


@dataclass(frozen=True, slots=True)
class Function:
    """One unit of work: importable code, arguments, a cost in resources, and where it may run.

    A plain value: it is compared by its fields, and nothing is checked before it is submitted.
    """

    id: str
    code: Code  #: an importable callable, or "package.module:qualname"
    _: KW_ONLY
    args: Sequence[str | Argument] = ()  #: ids of the functions whose results come first
    extra_args: Sequence[Any] = field(default=(), hash=False)
    kwargs: Mapping[str, Any] = field(default_factory=dict, hash=False)
    cost: Cost | None = field(default=None, hash=False)  #: several: the first that fits is taken
    node: str | Collocated | None = None  #: a name pins it
    type: Literal["regular", "inline"] = "regular"
    argument_inclusion: Literal["variadic", "as_list"] = "variadic"
    max_retries: int | None = None
    timeout: float | None = None  #: seconds of one attempt
    priority: int = 0  #: larger first
    duration: float | None = None  #: expected seconds
    strategy: Strategy | None = None  #: None: the cluster's
    where: Where | None = field(default=None, hash=False)  #: labels that its node must have
    on_infeasible: Literal["wait", "raise"] | float = "wait"  #: seconds: fails if nothing fits it for so long
    delay: float | timedelta | None = None  #: seconds from the submission until it is ready
    at: datetime | None = None  #: when it is ready; without a zone, in local time
    wait_ttl: float | None = None  #: seconds from being ready in which it must have started

    def __post_init__(self) -> None:
        # So that a list equals the tuple of the same values, and the value can be hashed.
        for name in ("args", "extra_args", "cost"):
            if isinstance(getattr(self, name), list):
                object.__setattr__(self, name, tuple(getattr(self, name)))


def check(function: Function) -> None:
    """Raise if `function` could not be submitted on its own, outside a DAG.

    `InvalidFunction` for its code, arguments and options, `InvalidNode` for a pin, `InvalidResources` for its cost.
    Whether a node that fits exists is not asked.
    """
    _check_fields(function)
    _check_outside_a_dag(function)
    _check_parts(function)


def check_in_dag(function: Function) -> None:
    """Raise as `check` does if `function` could be in no DAG. What its `args` name is not asked."""
    _check_fields(function)
    if isinstance(function.node, Collocated) and not isinstance(function.node.id, str):
        raise InvalidFunction(
            function.id, f"it is collocated with {function.node.id!r}", "give Collocated the id of a function"
        )
    _check_parts(function)
    if function.type == "inline":
        _check_inline(function)


def check_strategy(strategy: Strategy) -> Strategy:
    """Return the strategy of a cluster if there is such a one, else raise `ValueError`."""
    if strategy not in STRATEGIES:
        raise ValueError(f"strategy is {strategy!r}: choose one of {', '.join(STRATEGIES)}")
    return strategy


def delay_ms(function: Function) -> int:
    """The ms from its submission until it is ready; 0 = no delay."""
    delay = function.delay or 0
    return round(1000 * (delay.total_seconds() if isinstance(delay, timedelta) else delay))


def due_ms(function: Function) -> int:
    """The unix time in ms at which it is ready by its `at`, rounded up; 0 = it has none."""
    if function.at is None:
        return 0
    return max(1, -((_EPOCH - function.at.astimezone(UTC)) // timedelta(milliseconds=1)))


def import_path(code: Code, *, function_id: str = "") -> str:
    """Return the dotted name by which a node imports `code`: what rq keeps as `func_name`.

    Text must read "package.module:qualname" and is not imported here, for the module may exist on the nodes alone.
    A callable must be what importing its module and name gives back. Raises `InvalidFunction`.
    """
    shown = function_id or (code if isinstance(code, str) else getattr(code, "__qualname__", type(code).__name__))
    if isinstance(code, str):
        return _path_of_text(code, shown)
    module, qualname = _origin(code, shown)
    found = _imported(module, qualname, shown)
    # A method that is bound to a class is made anew by each look-up: equal, never the same.
    if found is not code and not (inspect.ismethod(code) and found == code):
        raise InvalidFunction(
            shown,
            f"importing {module}:{qualname} gives another object than the one passed",
            "pass the one that the module holds under that name, or wrap it in a function of its own",
        )
    return f"{module}.{qualname}"


def _check_fields(function: Function) -> None:
    _check_arguments(function)
    _check_options(function)
    _check_waiting(function)


def _check_parts(function: Function) -> None:
    pin = None if isinstance(function.node, Collocated) else function.node
    parse_where(function.where, pin, function_id=function.id)
    parse_variants(function.cost)
    import_path(function.code, function_id=function.id)


def _check_arguments(function: Function) -> None:
    if not isinstance(function.id, str) or not function.id:
        raise InvalidFunction(str(function.id), "its id is not a text with at least one character", "give it a name")
    if not is_unicode(function.id):
        raise InvalidFunction(function.id, "its id holds half of a character", "give it a name that UTF-8 can carry")
    for name in ("args", "extra_args"):
        if not isinstance(getattr(function, name), tuple):
            raise InvalidFunction(function.id, f"{name} is neither a list nor a tuple", f"write {name}=(value,)")
    if not isinstance(function.kwargs, Mapping) or not all(isinstance(key, str) for key in function.kwargs):
        raise InvalidFunction(function.id, "kwargs is not a mapping with str keys", "write kwargs={'name': value}")


def _check_options(function: Function) -> None:
    if function.type not in ("regular", "inline"):
        raise InvalidFunction(function.id, f"its type is {function.type!r}", 'choose "regular" or "inline"')
    if function.argument_inclusion not in ("variadic", "as_list"):
        raise InvalidFunction(
            function.id,
            f"its argument_inclusion is {function.argument_inclusion!r}",
            'choose "variadic" or "as_list"',
        )
    if function.max_retries is not None and not (_is_int(function.max_retries) and function.max_retries >= 0):
        raise InvalidFunction(
            function.id, f"its max_retries is {function.max_retries!r}", "give an int of at least 0, or None"
        )
    if function.timeout is not None and not (_is_real(function.timeout) and 0 < function.timeout <= LONGEST_TIMEOUT_S):
        raise InvalidFunction(
            function.id,
            f"its timeout is {function.timeout!r}",
            f"give seconds above 0 and at most {LONGEST_TIMEOUT_S}, or None for no limit",
        )
    if not (_is_int(function.priority) and -HIGHEST_PRIORITY <= function.priority <= HIGHEST_PRIORITY):
        raise InvalidFunction(
            function.id,
            f"its priority is {function.priority!r}",
            f"give an int from -{HIGHEST_PRIORITY} to {HIGHEST_PRIORITY}",
        )
    if function.duration is not None and not (_is_real(function.duration) and 0 <= function.duration < math.inf):
        raise InvalidFunction(
            function.id, f"its duration is {function.duration!r}", "give the expected seconds, or None"
        )


def _check_waiting(function: Function) -> None:
    if function.strategy not in (None, *STRATEGIES):
        raise InvalidFunction(
            function.id, f"its strategy is {function.strategy!r}", f"choose one of {', '.join(STRATEGIES)}, or None"
        )
    if function.on_infeasible not in ("wait", "raise") and not is_wait(function.on_infeasible):
        raise InvalidFunction(
            function.id, f"its on_infeasible is {function.on_infeasible!r}", f'choose "wait", "raise" or {_WAITS}'
        )
    if function.wait_ttl is not None and not is_wait(function.wait_ttl):
        raise InvalidFunction(function.id, f"its wait_ttl is {function.wait_ttl!r}", f"give {_WAITS}, or None")
    if function.delay is not None and function.at is not None:
        raise InvalidFunction(function.id, "both its delay and its at are given", "give one of them")
    delay = function.delay.total_seconds() if isinstance(function.delay, timedelta) else function.delay
    if delay is not None and not (delay == 0 and _is_real(delay)) and not is_wait(delay):
        raise InvalidFunction(
            function.id,
            f"its delay is {function.delay!r}",
            f"give a timedelta or seconds, at least 0 and at most {LONGEST_WAIT_S}",
        )
    if function.at is not None:
        if not isinstance(function.at, datetime):
            raise InvalidFunction(function.id, f"its at is {function.at!r}", "give a datetime, or a delay in seconds")
        try:
            due_ms(function)
        except (OverflowError, OSError, ValueError) as error:
            raise InvalidFunction(
                function.id, f"its at is {function.at!r}, which has no time in UTC", "give a year from 1970 to 9998"
            ) from error


def _check_outside_a_dag(function: Function) -> None:
    if function.args:
        raise InvalidFunction(
            function.id,
            "args names functions, and outside a DAG there are none",
            "pass constants as extra_args, or add it to a DAG",
        )
    if function.type == "inline":
        raise InvalidFunction(
            function.id, "an inline function runs inside those that need it", 'make it "regular", or add it to a DAG'
        )
    if isinstance(function.node, Collocated):
        raise InvalidFunction(
            function.id,
            f"it is to run where {function.node.id!r} runs, which is known only inside a DAG",
            "pin it to a node by name, or add both to a DAG",
        )


def _check_inline(function: Function) -> None:
    """It reserves nothing and is never scheduled, so that it may ask for neither."""
    asked = [name for name in _OF_SCHEDULED if getattr(function, name) is not None]
    if function.on_infeasible != "wait":
        asked.append("on_infeasible")
    if any(variant.cost for variant in parse_variants(function.cost)):
        asked.append("cost")
    if asked:
        raise InvalidFunction(
            function.id,
            f"it is inline, which runs inside those that need it, and has {', '.join(asked)}",
            'give that to those that need it, or make this one "regular"',
        )


def is_unicode(text: str) -> bool:
    """Whether UTF-8 carries it: a lone surrogate is half of a character."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def is_wait(value: Any) -> bool:
    """Whether it is seconds for which something may wait: above 0, and not for ever."""
    return _is_real(value) and 0 < value <= LONGEST_WAIT_S


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_real(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _path_of_text(code: str, shown: str) -> str:
    module, colon, qualname = code.partition(":")
    if not colon or not all(part.isidentifier() for part in (*module.split("."), *qualname.split("."))):
        raise InvalidFunction(
            shown,
            f"its code {code!r} does not name a module and what is in it",
            _advice_on(code),
        )
    _refuse_main(module, shown)
    return f"{module}.{qualname}"


def _advice_on(code: str) -> str:
    module, dot, name = code.rpartition(".")
    if dot and ":" not in code and all(part.isidentifier() for part in code.split(".")):
        return f'write "{module}:{name}": a colon stands where the module ends'
    return 'write "package.module:name" or "package.module:Class.method"'


def _origin(code: object, shown: str) -> tuple[str, str]:
    """The module and qualified name that a callable claims, if a node could import them at all."""
    if not callable(code):
        raise InvalidFunction(
            shown,
            f"its code is a {type(code).__name__}, which cannot be called",
            'pass a function, or "package.module:name"',
        )
    if isinstance(code, functools.partial):
        raise InvalidFunction(
            shown, "a functools.partial has no name to import", "pass its function, and its values as arguments"
        )
    module, qualname = getattr(code, "__module__", None), getattr(code, "__qualname__", None)
    if inspect.ismethod(code):
        owner = code.__self__
        if not inspect.isclass(owner):
            raise InvalidFunction(
                shown,
                f"it is a method of one {type(owner).__name__} object, which no node has",
                "pass a function that makes or receives the object",
            )
        # By the class it was reached through: the method's own name tells only the class that defines it.
        module, qualname = owner.__module__, f"{owner.__qualname__}.{code.__name__}"
    if not isinstance(module, str) or not isinstance(qualname, str):
        raise InvalidFunction(
            shown,
            f"a {type(code).__name__} object has no module and name of its own to import",
            "wrap it in a function of a module",
        )
    _refuse_main(module, shown)
    if "<lambda>" in qualname:
        raise InvalidFunction(shown, "a lambda has no name to import", "define it with def in a module")
    if "<locals>" in qualname:
        raise InvalidFunction(
            shown, f"{qualname} exists only inside another function", "define it at the top of a module"
        )
    return module, qualname


def _refuse_main(module: str, shown: str) -> None:
    if module == "__main__":
        raise InvalidFunction(
            shown, "its module is __main__, which is another one on every node", "move it to a module and import it"
        )


def _imported(module: str, qualname: str, shown: str) -> object:
    advice = "define it under its own name at the top of a module"
    try:
        found: object = importlib.import_module(module)
    # Importing runs the module's own code, which may raise anything.
    except Exception as error:
        raise InvalidFunction(shown, f"its module {module!r} does not import ({error!r})", advice) from error
    for part in qualname.split("."):
        try:
            found = getattr(found, part)
        except AttributeError as error:
            raise InvalidFunction(shown, f"module {module!r} has no {qualname!r}", advice) from error
    return found
