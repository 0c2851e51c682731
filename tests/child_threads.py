"""Functions that tell how many threads numeric libraries have in a child."""

from __future__ import annotations

import ctypes
import sys

_GETTERS = ("scipy_openblas_get_num_threads64_", "openblas_get_num_threads64_", "openblas_get_num_threads")


def loaded() -> bool:
    """Whether NumPy is loaded."""
    return "numpy" in sys.modules


def of_blas() -> int | None:
    """Give the threads of the BLAS that NumPy has loaded; None where it is one that does not say."""
    import numpy  # noqa: F401

    with open("/proc/self/maps") as maps:
        paths = {line.split()[-1] for line in maps if "blas" in line.rsplit("/", 1)[-1]}
    for path in sorted(paths):
        library = ctypes.CDLL(path)
        for name in _GETTERS:
            if hasattr(library, name):
                return int(getattr(library, name)())
    return None
