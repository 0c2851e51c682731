"""The results of a function as they are stored: serialized, and no larger than the agent and Redis can carry."""

from __future__ import annotations

from collections.abc import Sequence

from handoff.errors import ResultTooLarge
from handoff.serializer import SerializerLike, dumps_result
from handoff_worker.inside.failure import Hopeless
from handoff_worker.inside.inputs import Serialize, Unmade
from handoff_worker.inside.telling import LARGEST_PART

LARGEST_RESULT = 64 * 2**20
"""Bytes of a serialized result."""

LARGEST_FORMS = 192 * 2**20
"""Bytes of a result and its forms together: one message carries them all to the agent, and one call to Redis."""


def serialized(serializer: SerializerLike, result: object) -> bytes:
    """Serialize a result. Raises `Hopeless`."""
    try:
        data = dumps_result(serializer, result)
    except Exception as error:
        raise Hopeless from error
    if len(data) > LARGEST_RESULT:
        raise Hopeless from ResultTooLarge(len(data), LARGEST_RESULT)
    return data


def serialized_part(serializer: SerializerLike, part: object) -> bytes:
    """Serialize one of what a function yields. Raises `Hopeless`."""
    data = serialized(serializer, part)
    if len(data) > LARGEST_PART:
        raise Hopeless from ResultTooLarge(len(data), LARGEST_PART)
    return data


def all_serialized(
    serializer: SerializerLike, result: object, formed: Sequence[tuple[Serialize, object]]
) -> list[bytes]:
    """-> the result, then its forms; the first of them stands for a result that cannot be stored itself.

    Raises `Hopeless`, or `Unmade` for a form.
    """
    forms = []
    for serialize, form in formed:
        try:
            forms.append(serialized(serializer, form))
        except Hopeless as hopeless:
            raise Unmade(f"made {serialize.place}", retryable=False) from hopeless.__cause__
    try:
        data = serialized(serializer, result)
    except Hopeless:
        data = forms[0]
    size = len(data) + sum(map(len, forms))
    if size > LARGEST_FORMS:
        raise Hopeless from ResultTooLarge(size, LARGEST_FORMS)
    return [data, *forms]
