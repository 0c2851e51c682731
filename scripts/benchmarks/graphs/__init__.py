"""Graphs: how fast they run beside Dask, how finely they are sliced, how well their order packs a cluster."""

from __future__ import annotations

from benchmarks.graphs.trouble import Absent as Absent
from benchmarks.graphs.trouble import Failed as Failed
