"""Arrays and scalars of NumPy as fields that msgpack carries. NumPy is imported only for data that needs it."""

from __future__ import annotations

import re
import sys
from importlib import import_module
from math import prod
from typing import Any

from handoff.words.refused import Refused, type_name

_DTYPE = re.compile(r"[<>|][biufcSU][1-9][0-9]{0,9}")

_CHAR = re.compile(r"[?A-Za-z]")

MOST_DIMENSIONS = 64
"""As NumPy has it; to multiply a million of them would take minutes."""


def numpy_of(value: object) -> Any:
    """NumPy if `value` is one of its arrays or scalars proper, else None: whoever has such a value has imported it."""
    numpy = sys.modules.get("numpy") if type(value).__module__ == "numpy" else None
    if numpy is None:
        return None
    if type(value) is numpy.ndarray or (isinstance(value, numpy.generic) and type(value) is value.dtype.type):
        return numpy
    return None


def _dtype_fields(numpy: Any, value: Any) -> list[object]:
    """[order, kind and size; C type; bits of mantissa of a long double, else 0].

    The C type tells `longlong` from a `long` of the same size. The mantissa tells apart the long doubles of
    two kinds of machine, which share a size and nothing else.
    """
    dtype = value.dtype
    if not _DTYPE.fullmatch(dtype.str):
        raise Refused(value, f"{type_name(type(value))} of {dtype}")
    return [dtype.str, dtype.char, int(numpy.finfo(dtype).nmant) if dtype.char in "gG" else 0]


def _dtype_from(numpy: Any, text: str, char: str, mantissa: int) -> Any:
    # NumPy takes many other things for a dtype, and reads some texts as Python.
    if not _DTYPE.fullmatch(text) or not _CHAR.fullmatch(char):
        raise ValueError(f"no dtype {text!r} is carried")
    dtype = numpy.dtype(char).newbyteorder(text[0])
    if dtype.str != text:
        dtype = numpy.dtype(text)
    if mantissa and numpy.finfo(dtype).nmant != mantissa:
        raise ValueError(f"a long double here is not the one of {mantissa} bits that was written")
    return dtype


def array_fields(value: Any) -> list[object]:
    """[*dtype, shape, order, bytes]."""
    order = "F" if value.flags.fnc else "C"
    return [*_dtype_fields(sys.modules["numpy"], value), list(value.shape), order, value.tobytes(order)]


def build_array(text: str, char: str, mantissa: int, shape: list[int], order: str, data: bytes) -> Any:
    """Make the array of what `array_fields` gave."""
    numpy: Any = import_module("numpy")
    dtype = _dtype_from(numpy, text, char, mantissa)
    # Before anything is made of them: a text times a number is a long text.
    if len(shape) > MOST_DIMENSIONS or not all(type(size) is int and size >= 0 for size in shape):
        raise ValueError("its shape is none")
    if type(data) is not bytes or order not in ("C", "F"):
        raise ValueError("its fields are not those of an array")
    if prod(shape) * dtype.itemsize != len(data):
        raise ValueError(f"{len(data)} bytes are not an array of {dtype} and shape {shape}")
    # The copy is the array's own memory, so that it may be written to.
    return numpy.ndarray(shape, dtype, data, order=order).copy(order)


def scalar_fields(value: Any) -> list[object]:
    """["U", str], ["S", bytes], or the dtype and the bytes: a buffer of text would lose zeros at its end."""
    if isinstance(value, str):
        return ["U", str.__str__(value)]
    if isinstance(value, bytes):
        return ["S", bytes(value)]
    return [*_dtype_fields(sys.modules["numpy"], value), value.tobytes()]


def build_scalar(kind: str, content: Any, *rest: Any) -> object:
    """Make the scalar of what `scalar_fields` gave."""
    numpy: Any = import_module("numpy")
    if kind == "U" and not rest and type(content) is str:
        return numpy.str_(content)
    # Of a number it would make as many zeros.
    if kind == "S" and not rest and type(content) is bytes:
        return numpy.bytes_(content)
    mantissa, data = rest
    scalar: object = build_array(kind, content, mantissa, [], "C", data)[()]
    return scalar
