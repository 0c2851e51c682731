"""What the nodes do for the site."""

from __future__ import annotations

import time

from django.db import close_old_connections

import handoff
from filmsite.models import Film


@handoff.task(timeout=3600, max_retries=2)
def convert(film_id: int, frames: int) -> str:
    close_old_connections()  # the last function of this process may have left one that the database has closed since
    film = Film.objects.get(pk=film_id)
    for frame in range(1, frames + 1):
        time.sleep(0.01)  # what a frame takes
        handoff.current().progress(frame / frames, f"frame {frame} of {frames}")
    film.file = f"{film.title}.mp4"
    film.save(update_fields=["file"])
    return film.file
