"""One thing at a time beside the agent's loop, which whoever asks for it does not wait for."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

logger = logging.getLogger(__name__)


class Beside:
    """A thread for each thing; what is asked for while one runs is left out, for it is asked for again."""

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None

    def __call__(self, do: Callable[[], None]) -> None:
        """Begin it, unless another still runs, or no thread can be had."""
        if self._thread is not None and self._thread.is_alive():
            return
        thread = threading.Thread(target=do, name="handoff-beside", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:
            logger.warning("no thread could be started for what goes on beside the loop: %s", error)
            return
        self._thread = thread
