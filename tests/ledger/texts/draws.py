"""Drawn values that texts are made of."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from handoff.words.constraints import Not
from handoff.words.resources import UNLIMITED
from handoff.words.variants import Variant

COSTS = st.dictionaries(st.sampled_from(["cpu", "gpu", "gpu_memory", "a.b-c", "_"]), st.integers(1, UNLIMITED))

VARIANTS = st.lists(st.builds(Variant, st.integers(0, 10**12), COSTS), min_size=1, max_size=4)

CONSTRAINTS: st.SearchStrategy[Any] = st.sampled_from(
    [None, {"zone": "eu:1/a"}, {"gpu_model": ["A100 (80GB)", "H100"], "tier": Not("spot")}]
)

PINS = st.sampled_from([None, "a", "12@34.5-x"])

LABELS = st.dictionaries(
    st.from_regex(r"[A-Za-z_][A-Za-z0-9_.-]{0,9}", fullmatch=True),
    st.from_regex(r"(?! )[A-Za-z0-9 _.:/+()-]{1,9}(?<! )", fullmatch=True),
    max_size=4,
)

FAMILIES = st.sampled_from(["gpu", "fpga", "a.b-c", "_"])

INDICES = st.lists(st.integers(0, 20_000), min_size=1, max_size=4, unique=True).map(sorted)

SHARES = st.integers(-(10**4), 10**4)

MEMORY = st.integers(0, UNLIMITED)
