"""What the demo shows, drawn on a console in memory."""

from __future__ import annotations

import io

from rich.console import Console, RenderableType

from handoff.demo.peaks import Peaks

NODES: Peaks = {
    "small": {"cpu": (1, 1), "memory": (300, 1000)},
    "large": {"cpu": (0.5, 2), "memory": (0, 4000)},
    "gpus": {"cpu": (0, 1), "gpu": (1.5, 2)},
}


def drawn(shown: RenderableType, *, width: int = 80, terminal: bool = True, encoding: str = "utf-8") -> str:
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    console = Console(width=width, record=True, file=file, force_terminal=terminal, color_system="truecolor")
    console.print(shown)
    return console.export_text()
