"""What crosses between processes, as bytes: msgpack that gives back exactly what it was given, or says what it cannot.

Knows nothing of Redis or rq, and imports NumPy only for data that needs it.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn, Protocol, runtime_checkable

from handoff.errors import RESULT, NotSerializable, shown
from handoff.words.culprit import place_of
from handoff.words.packing import pack, survey, unpack
from handoff.words.refused import Refused, type_name


@runtime_checkable
class SerializerLike(Protocol):
    """What rq asks of a serializer; a class with static methods will do."""

    def dumps(self, value: Any, /) -> bytes: ...

    def loads(self, data: bytes, /) -> Any: ...


class Serializer:
    """The msgpack serializer, also for rq itself: `rq ... -S handoff.serializer.Serializer`.

    Plain data is packed and unpacked by msgpack alone. The types that msgpack does not have are arrays that
    begin with a mark (see `words.forms`), so that one pass packs any nesting without copies of copies.
    """

    @staticmethod
    def dumps(value: object, /, *, what: str = "the value") -> bytes:
        """Pack `value`; `NotSerializable` says where in `what` the first part stands that cannot be carried."""
        try:
            packed = pack(value)
            survey(value)
        except Refused as refused:
            raise NotSerializable(place_of(refused.culprit, value, what), refused.why) from None
        except BufferError:
            raise NotSerializable(what, "memoryview") from None
        except (ValueError, RecursionError) as error:
            raise NotSerializable(
                what, f"{type_name(type(value))} that holds itself, or is too deep or too large ({error})"
            ) from None
        return packed

    @staticmethod
    def loads(data: bytes, /) -> Any:
        """Unpack what `dumps` made; `ValueError` for any other bytes, and never code run that they name.

        Timestamps of msgpack itself, as other languages write them, become datetimes in UTC.
        """
        return unpack(data)


class PickleSerializer:
    """rq's own rule, for those who ask for it: pickle in its highest protocol. Loading runs what the bytes say."""

    @staticmethod
    def dumps(value: object, /) -> bytes:
        """Pickle `value`."""
        return pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)

    @staticmethod
    def loads(data: bytes, /) -> Any:
        """Unpickle what `dumps` made."""
        return pickle.loads(data)


PICKLE_REFUSED = "its arguments are pickled, and this agent loads no pickles: start it with --allow-pickle"


class PickleRefused(Exception):
    """A callback has looked at what is pickled, on an agent that loads no pickles."""

    def __str__(self) -> str:
        return PICKLE_REFUSED


class UnreadPickle:
    """Stands for pickle where none may be loaded. It still writes, which runs nothing of what stands in Redis."""

    dumps = PickleSerializer.dumps

    @staticmethod
    def loads(data: bytes, /) -> NoReturn:
        """Refuse."""
        raise PickleRefused


_BY_NAME: dict[str, SerializerLike] = {"msgpack": Serializer, "pickle": PickleSerializer}


def resolve(name_or_serializer: str | SerializerLike | None = None) -> SerializerLike:
    """Find the serializer meant: "msgpack" (or None), "pickle", or any object with `dumps` and `loads`."""
    if name_or_serializer is None:
        return Serializer
    if isinstance(name_or_serializer, str) and name_or_serializer in _BY_NAME:
        return _BY_NAME[name_or_serializer]
    if isinstance(name_or_serializer, str) or not isinstance(name_or_serializer, SerializerLike):
        raise ValueError(
            f"{shown(name_or_serializer)} is not a serializer: "
            'give "msgpack", "pickle" or an object with dumps(value) and loads(data)'
        )
    return name_or_serializer


def dumps_arguments(
    serializer: SerializerLike,
    func_name: str,
    args: Sequence[object],
    kwargs: Mapping[str, object],
    *,
    function_id: str = "",
) -> bytes:
    """Make the bytes that rq keeps as a job's `data`.

    `NotSerializable` names the argument that is in the way, and the function if it is told which.
    """
    try:
        return _dumps_call(serializer, func_name, tuple(args), dict(kwargs))
    except NotSerializable as error:
        if not function_id:
            raise
        raise NotSerializable(f"{error.argument} of function {shown(function_id)}", error.type) from error.__cause__


def _dumps_call(
    serializer: SerializerLike, func_name: str, args: tuple[object, ...], kwargs: dict[str, object]
) -> bytes:
    try:
        return dumps_value(serializer, (func_name, None, args, kwargs), "the call")
    except NotSerializable:
        for index, value in enumerate(args):
            dumps_value(serializer, value, f"argument {index}")
        for name, value in kwargs.items():
            dumps_value(serializer, value, f"keyword argument {shown(name)}")
        raise


def dumps_result(serializer: SerializerLike, result: object) -> bytes:
    """Make the bytes that rq keeps as a return value; `NotSerializable` speaks of the result."""
    return dumps_value(serializer, result, RESULT)


def dumps_value(serializer: SerializerLike, value: object, what: str) -> bytes:
    """Serialize `value`; `NotSerializable` says where in `what` the first part stands that cannot be carried."""
    if serializer is Serializer:
        return Serializer.dumps(value, what=what)
    try:
        return serializer.dumps(value)
    # Not Exception: the timeout that rq raises inside a running function must pass.
    except (pickle.PicklingError, TypeError, AttributeError, ValueError, LookupError, RuntimeError) as error:
        raise NotSerializable(what, type_name(type(value))) from error
