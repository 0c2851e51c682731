"""Amounts that break a rule, and how tests are named by them."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction

import numpy as np

from handoff.words.resources import LARGEST

BAD_AMOUNTS: list[object] = [
    True,
    False,
    np.True_,
    "1",
    "",
    b"1",
    None,
    1j,
    np.complex64(1),
    np.array(1.0),
    {},
    math.nan,
    math.inf,
    -math.inf,
    np.float32("nan"),
    np.float64("inf"),
    Decimal("NaN"),
    Decimal("sNaN"),
    Decimal("Infinity"),
    -1,
    -0.00001,
    np.int8(-1),
    Decimal("-1e-9"),
    Fraction(-1, 3),
    LARGEST + 1,
    1e12,
    math.nextafter(1e11, math.inf),
    10**400,
    Decimal("1e400"),
    Decimal("100000000000.00001"),
    Fraction(10**12),
    np.uint64(2**63),
]


def shown(value: object) -> str:
    return repr(value)[:40]
