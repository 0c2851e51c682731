"""Where in a value the part stands that cannot be carried, spelled as one would write it: "argument 0['a'][3]"."""

from __future__ import annotations

import reprlib
from collections.abc import Iterator

from handoff.words.forms import CONTAINERS, is_enum
from handoff.words.refused import type_name


def place_of(culprit: object, value: object, what: str) -> str:
    """Spell where in `value` the `culprit` stands: "argument 0['a'][3]"."""
    if value is culprit:
        return what
    seen = {id(value)}
    open_walks = [_parts(value, what)]
    while open_walks:
        for part, place in open_walks[-1]:
            if part is culprit:
                return place
            if (type(part) in CONTAINERS or is_enum(part)) and id(part) not in seen:
                seen.add(id(part))
                open_walks.append(_parts(part, place))
                break
        else:
            open_walks.pop()
    return what


def _parts(value: object, place: str) -> Iterator[tuple[object, str]]:
    if is_enum(value):
        yield value.value, f"{place}.value"
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key, f"a key of {place}"
            yield item, f"{place}[{_spell(key)}]"
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield item, f"{place}[{index}]"
    elif isinstance(value, (set, frozenset)):
        for item in value:
            yield item, f"an element of {place}"


def _spell(key: object) -> str:
    try:
        return reprlib.repr(key)
    except ValueError:
        # Python does not write out an int of more than 4,300 digits.
        return f"a long {type_name(type(key))}"
