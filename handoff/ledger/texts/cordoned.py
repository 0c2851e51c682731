"""Since when a node is cordoned, and why: `<since> <reason>`."""

from __future__ import annotations


def read_cordoned(text: str) -> tuple[int, str]:
    """-> since when, in ms, and the reason"""
    since, _, reason = text.partition(" ")
    return int(since), reason
