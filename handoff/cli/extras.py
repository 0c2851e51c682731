"""What commands need of packages that are not always installed: an error that says what to install."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from handoff.errors import HandoffError


class ExtraMissing(HandoffError):
    """What a command is made with is not installed."""

    def __init__(self, what: str, module: str, extra: str) -> None:
        super().__init__(what, module, extra)
        self.what, self.module, self.extra = what, module, extra

    def __str__(self) -> str:
        return f"{self.what} needs {self.module}, which is not installed: pip install 'handoff-rq[{self.extra}]'"


@contextmanager
def of_extra(extra: str, what: str) -> Iterator[None]:
    """Import within this what the extra installs. Raises `ExtraMissing`."""
    try:
        yield
    except ModuleNotFoundError as missing:
        raise ExtraMissing(what, missing.name or str(missing), extra) from missing
