"""How far a function says that it is: `<attempt>|<when, ms>|<from 0 to 1>|<what it says to that>`."""

from __future__ import annotations


def read_progress(text: str) -> tuple[int, int, float, str]:
    """-> attempt, when, how far, what it says. Raises `ValueError`"""
    attempt, at_ms, fraction, message = text.split("|", 3)
    return int(attempt), int(at_ms), float(fraction), message
