"""What is noted of the head of a shape: its job stands in front."""

from __future__ import annotations


def job_of_note(text: str) -> str:
    """The job that is noted as the head."""
    return text.partition("|")[0]
