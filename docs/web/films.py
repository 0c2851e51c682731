"""What the nodes do for the web applications beside this file."""

from __future__ import annotations

import time

import handoff


@handoff.task(timeout=3600, max_retries=2)
def convert(title: str, frames: int) -> str:
    for frame in range(1, frames + 1):
        time.sleep(0.01)  # what a frame takes
        handoff.current().progress(frame / frames, f"frame {frame} of {frames}")
    return f"{title}.mp4"
