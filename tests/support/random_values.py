"""Random values of all kinds that the serializer carries."""

from __future__ import annotations

from datetime import UTC, timedelta, timezone
from decimal import Decimal
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from uuid import UUID, SafeUUID

from hypothesis import strategies as st

try:
    import numpy
    from hypothesis.extra import numpy as hypothesis_numpy
except ImportError:
    numpy = None  # type: ignore[assignment]

offsets = st.timedeltas(timedelta(hours=-24, microseconds=1), timedelta(hours=24, microseconds=-1))

all_text = st.text(st.characters(exclude_categories=()))

zones = st.one_of(
    st.none(),
    st.just(UTC),
    st.timezones(),
    st.builds(timezone, offsets),
    st.builds(timezone, offsets, all_text),
)

folds = st.sampled_from([0, 1])

segments = st.text(st.sampled_from("aB. é\ud800"), max_size=5)


def paths(kind: type[PurePath]) -> st.SearchStrategy[PurePath]:
    root = st.sampled_from(["", "/", "//", "C:", "C:/", "//server/share/"])
    return st.builds(lambda start, parts: kind(start, *parts), root, st.lists(segments, max_size=3))


hashable_leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(2**300), 2**300),
    st.sampled_from([2**63 - 1, 2**63, 2**64 - 1, 2**64, -(2**63), -(2**63) - 1, -(2**64)]),
    st.floats(),
    st.complex_numbers(),
    all_text,
    st.binary(),
    st.dates(),
    st.builds(lambda at, zone, fold: at.replace(tzinfo=zone, fold=fold), st.datetimes(), zones, folds),
    st.builds(lambda at, zone, fold: at.replace(tzinfo=zone, fold=fold), st.times(), zones, folds),
    st.timedeltas(),
    st.decimals().filter(lambda value: not value.is_snan()),
    st.builds(UUID, int=st.integers(0, 2**128 - 1), is_safe=st.sampled_from(SafeUUID)),
    paths(PurePosixPath),
    paths(PureWindowsPath),
    paths(Path),
)

hashables = st.recursive(
    hashable_leaves,
    lambda inner: st.lists(inner, max_size=4).map(tuple) | st.frozensets(inner, max_size=4),
    max_leaves=6,
)

leaves = hashable_leaves | st.sampled_from([Decimal("sNaN"), Decimal("-sNaN7"), Decimal("-0E-9"), Decimal("1E+99")])

if numpy is not None:
    dtypes = st.one_of(
        st.sampled_from([*"?bBhHiIlLqQefdgFDG"]).map(numpy.dtype),
        st.sampled_from([*"HiIqefdgFDG"]).map(lambda char: numpy.dtype(char).newbyteorder(">")),
        hypothesis_numpy.byte_string_dtypes(max_len=4),
        hypothesis_numpy.unicode_string_dtypes(endianness="?", max_len=4),
    )
    shapes = hypothesis_numpy.array_shapes(min_dims=0, min_side=0, max_side=3)
    arrays = st.builds(
        lambda array, order: array.copy(order), hypothesis_numpy.arrays(dtypes, shapes), st.sampled_from("CF")
    )
    leaves = leaves | arrays | dtypes.flatmap(lambda dtype: hypothesis_numpy.from_dtype(dtype.newbyteorder("=")))

values = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.sets(hashables, max_size=4),
        st.frozensets(hashables, max_size=4),
        st.dictionaries(hashables, inner, max_size=4),
        st.dictionaries(st.text(), inner, max_size=4),
    ),
    max_leaves=12,
)
