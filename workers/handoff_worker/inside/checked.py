"""Whether what stands in a job's hash is a call, and how its arguments are made: whoever writes to Redis writes there.

What is not raises `UnreadableField`: it is not tried again, and no more is made of it than of a call that is one.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any

from handoff.errors import UnreadableField
from handoff.ledger.fields import FIELDS
from handoff.ledger.result_entry import MOST_UNZIPPED, TooMuch, unzip


def unzipped(field: str, data: bytes) -> bytes:
    """What was compressed, or the data itself where it was not."""
    try:
        return unzip(data)
    except zlib.error:
        # What rq wrote long ago is not compressed.
        return data
    except TooMuch:
        raise UnreadableField(field, data[:20], f"at most {MOST_UNZIPPED // 2**20} MB when it is unpacked") from None


def check_call(call: object) -> None:
    """See whether it is what rq keeps of a call: name, object, arguments, keyword arguments."""
    match call:
        case [str() | None, _, [*_], {**kwargs}] if _are_names(kwargs):
            return
    raise UnreadableField("data", type(call).__name__, "a call: [name, None, [arguments], {keyword arguments}]")


def check_inputs(inputs: object) -> None:
    """See whether it is what `graph.wiring` writes."""
    match inputs:
        case {"args": [*sources], "as_list": bool(), "inlines": [*inlines]}:
            if all(map(_is_inline, range(len(inlines)), inlines)) and all(_is_source(len(inlines), s) for s in sources):
                return
    raise UnreadableField(FIELDS["inputs"].name, type(inputs).__name__, "how its arguments are made of results")


def check_forms(forms: object) -> None:
    """See whether it is what `graph.wiring` writes."""
    match forms:
        case [*each] if all(form is not None and _is_transform(form) for form in each):
            return
    raise UnreadableField(FIELDS["forms"].name, type(forms).__name__, "what others ask to be made of its result")


def _is_inline(place: int, inline: object) -> bool:
    """Whether it is an inline function, which takes only those before it."""
    match inline:
        case [str(), str(), [*sources], bool(), [*_], {**kwargs}]:
            return _are_names(kwargs) and all(_is_source(place, source) for source in sources)
    return False


def _is_source(places: int, source: object) -> bool:
    match source:
        case ["result", int(number), str(), int(form), deserialize]:
            return number >= 0 and form >= 0 and _is_transform(deserialize)
        case ["inline", int(place), str(), serialize, deserialize]:
            return 0 <= place < places and _is_transform(serialize) and _is_transform(deserialize)
    return False


def _is_transform(transform: object) -> bool:
    match transform:
        case None | [str(), [*_]]:
            return True
    return False


def _are_names(kwargs: Mapping[Any, Any]) -> bool:
    return all(type(name) is str for name in kwargs)
