"""The serializer with arbitrary values, and with arbitrary bytes."""

from __future__ import annotations

import random
import zlib
from typing import Any

import msgpack

from handoff import Serializer
from handoff.errors import NotSerializable
from handoff.words.forms import FORMS
from support.fuzz import values


def try_value(chance: random.Random) -> str:
    """Carry a value. -> what is wrong with what came of it; '' = nothing"""
    value = values.value(chance)
    try:
        data = Serializer.dumps(value)
    except NotSerializable:
        return ""
    Serializer.loads(data)
    return ""


def try_bytes(chance: random.Random) -> str:
    """Read bytes that nobody has written."""
    try:
        Serializer.loads(packed(chance))
    except ValueError as error:
        return "" if "were not written by Handoff" in str(error) else f"no sentence of ours: {error}"
    return ""


def packed(chance: random.Random) -> bytes:
    """Bytes of msgpack: of types that lie about themselves, or sound ones of which some are changed."""
    if chance.random() < 0.5:
        data: bytes = msgpack.packb(_lying(chance, 0), unicode_errors="surrogatepass")
        return data
    while True:
        try:
            return changed(chance, Serializer.dumps(values.value(chance)))
        except NotSerializable:
            continue


def changed(chance: random.Random, data: bytes) -> bytes:
    """Bytes with some of them changed, lost or added."""
    bent = bytearray(data)
    for _ in range(1 + int(chance.random() ** 3 * 8)):
        at = chance.randrange(len(bent) + 1)
        how = chance.randrange(5)
        if how == 0 and at < len(bent):
            bent[at] ^= 1 << chance.randrange(8)
        elif how == 1:
            bent[at:at] = chance.choice((chance.randbytes(chance.randrange(1, 5)), *_ODD))
        elif how == 2:
            del bent[at : at + 1 + int(chance.random() ** 4 * len(bent))]
        elif how == 3 and at < len(bent):
            bent[at] = chance.choice(_BEGINNINGS)
        elif how == 4:
            bent[at:at] = bent[: 1 + int(chance.random() ** 2 * 40)]
    return bytes(bent)


_BEGINNINGS = (*range(0xC0, 0xE0), 0x80, 0x90, 0xA0, 0x7F, 0xFF, 0xC7, 0, *b"-|,:;=@0")
"""Of values in msgpack, mostly of long ones; and what texts of ours are taken apart at."""

_ODD = (
    b"\xc7\x00\x00", b"\xc7\x00\x0e", b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff", b"\xc9\xff\xff\xff\xff\x00",
    b"\xd6\xff\xff\xff\xff\xff", b"\xc7\x0c\xff" + b"\xff" * 12, b"\x91" * 600, b"\xff\xfe", b"\0", b"9" * 400,
    zlib.compress(b"\0" * 100_000),
)  # fmt: skip


def _lying(chance: random.Random, depth: int) -> Any:
    """Plain data with marks of ours, before fields that are not theirs."""
    kind = chance.randrange(8 if depth < 5 else 4)
    if kind < 3:
        return chance.choice(_PARTS)
    if kind == 3:
        return chance.choice((chance.randrange(-(2**63), 2**64), chance.random(), chance.randbytes(8)))
    if kind == 4:
        return {_name(chance): _lying(chance, depth + 1) for _ in range(chance.randrange(3))}
    fields = [_lying(chance, depth + 1) for _ in range(chance.randrange(9))]
    mark = msgpack.ExtType(chance.choice([*(form.code for form in FORMS), 99]), chance.choice((b"", b"", b"", b"x")))
    return [mark, *fields] if kind < 7 else fields


def _name(chance: random.Random) -> Any:
    return chance.choice((1, "a", b"a", None, 0.5))


_PARTS: tuple[Any, ...] = (
    None, True, 0, 1, -1, 2, 8, 59, 60, 2**31, 2**63, 1e300, float("nan"), "", "a", "U", "S", "<f8", "d", "O", "<U1",
    "<U9999999999", "C", "F", "Europe/Berlin", "../../../etc/passwd", "/etc/passwd", "a/b/c", "x" * 5000, "1" * 100_000,
    "1e999999999", "NaN", "\ud800", "\0", b"", b"\0" * 8, b"\0" * 16, [], [2], [0], [-1, -8], [2**40, 2**40],
    [0, 2**62, 2**62], ["x" * 1000, 10**9], [[]], [1.5], {}, [1] * 70, [3_600_000_000, None], [10**15, "x"], [1, 2, 3],
)  # fmt: skip
