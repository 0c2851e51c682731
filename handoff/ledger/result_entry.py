"""An entry of RQ's stream of results: a return value or a traceback, as the text that RQ keeps. Pure."""

from __future__ import annotations

import zlib
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from typing import Any

from handoff.errors import UnreadableField
from handoff.serializer import SerializerLike

Fields = Mapping[bytes, bytes]

Entry = tuple[bytes, Fields]
"""Its id, and its fields."""

_SUCCESSFUL = b"1"
"""`rq.results.Result.Type.SUCCESSFUL`, as RQ writes it."""

MOST_UNZIPPED = 64 * 2**20
"""Bytes that are made of compressed ones: a few of these can become any number."""


class TooMuch(ValueError):
    """Of what was compressed would become more than anybody writes."""


def unzip(data: bytes) -> bytes:
    """Unpack what was compressed. Raises `zlib.error` for what was not, and `TooMuch`."""
    unzipper = zlib.decompressobj()
    text = unzipper.decompress(data, MOST_UNZIPPED)
    if not unzipper.eof:
        if unzipper.unconsumed_tail:
            raise TooMuch
        raise zlib.error("it ends too early")
    return text


def entry_of(id: bytes, flat: Sequence[bytes]) -> Entry:
    """An entry as scripts reply it: name, value, ..."""
    return id, dict(zip(flat[::2], flat[1::2], strict=True))


def is_success(entry: Fields) -> bool:
    """Whether it is that of a function that has returned."""
    return entry.get(b"type") == _SUCCESSFUL


def encode_value(serialized: bytes) -> str:
    """A serialized return value as the text that RQ keeps in a result entry."""
    return b64encode(serialized).decode()


def decode_value(entry: Fields, serializer: SerializerLike) -> Any:
    """The return value of a result entry; RQ leaves None out."""
    text = entry.get(b"return_value")
    if text is None:
        return None
    try:
        data = b64decode(text)
    except ValueError:
        raise UnreadableField("return_value", text.decode("utf-8", "backslashreplace"), "a value in base64") from None
    return serializer.loads(data)


def encode_traceback(text: str) -> str:
    """A traceback as RQ keeps it."""
    return b64encode(zlib.compress(text.encode("utf-8", "replace"))).decode()


def decode_traceback(entry: Fields) -> str:
    """The traceback of a result entry, '' where there is none."""
    text = entry.get(b"exc_string")
    try:
        return "" if not text else unzip(b64decode(text)).decode()
    except (ValueError, zlib.error):
        return "(what stands in place of its traceback is none)"
