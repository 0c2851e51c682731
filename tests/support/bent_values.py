"""Values that hardly any parameter takes."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, NoReturn

import numpy as np

from handoff import DAG, After, Argument, Cluster, Collocated, Function, Not
from support.refused import Opaque, work


class Grumpy:
    """Can neither be shown, compared, hashed nor asked for its truth."""

    def _refuse(self, *_: object) -> NoReturn:
        raise RuntimeError("this value refuses everything")

    __repr__ = __str__ = __eq__ = __hash__ = __bool__ = __lt__ = __gt__ = _refuse


def _own_self() -> list[Any]:
    value: list[Any] = []
    value.append(value)
    return value


BENT: dict[str, Any] = {
    "None": None,
    "True": True,
    "False": False,
    "minus one": -1,
    "zero": 0,
    "a third": Fraction(1, 3),
    "2**64": 2**64,
    "10**5000": 10**5000,
    "-10**5000": -(10**5000),
    "nan": math.nan,
    "inf": math.inf,
    "-inf": -math.inf,
    "1e300": 1e300,
    "sNaN": Decimal("sNaN"),
    "Decimal NaN": Decimal("NaN"),
    "Decimal Infinity": Decimal("Infinity"),
    "Decimal 1e999999": Decimal("1e999999"),
    "huge fraction": Fraction(10**5000, 3),
    "numpy nan": np.float64("nan"),
    "numpy array": np.zeros(3),
    "numpy int": np.int64(3),
    "complex": 1 + 1j,
    "empty text": "",
    "text": "a text with spaces",
    "half a character": "\ud800",
    "NUL": "a\0b",
    "lines": "a\nb",
    "long text": "x" * 100_000,
    "bytes": b"\xff\xfe",
    "empty list": [],
    "list": [1, None],
    "list in a list": [[[]]],
    "list of texts": ["\ud800"],
    "list in itself": _own_self(),
    "empty dict": {},
    "dict": {1: 2},
    "dict of odd texts": {"\ud800": "\ud800"},
    "dict of NUL": {"a\0": "b\0"},
    "dict of huge": {"cpu": 10**5000},
    "dict of Grumpy": {"cpu": Grumpy()},
    "set": {1, 2},
    "object": Opaque(),
    "grumpy": Grumpy(),
    "class": int,
    "lambda": lambda: None,
    "exception": ValueError("no"),
    "datetime.max": datetime.max,
    "datetime.min": datetime.min,
    "timedelta.max": timedelta.max,
    "timedelta.min": timedelta.min,
    "iterator": iter([1]),
    "After": After(1, {"cpu": 1}),
    "After of nan": After(math.nan, {"cpu": 1}),
    "list of After": [After(10**5000, {"cpu": 1})],
    "Not": Not("a"),
    "where of Not": {"zone": Not("\ud800")},
    "where of a number": {"zone": 5},
    "where of a list": {"zone": [[]]},
    "Function": Function("f", work),
    "Argument": Argument("\ud800"),
    "list of arguments": [Argument("f", serialize=5)],  # type: ignore[arg-type]
    "Collocated": Collocated("\ud800"),
    "Collocated with nothing": Collocated([]),  # type: ignore[arg-type]
    "dag": DAG(),
    "cluster": Cluster,
}
