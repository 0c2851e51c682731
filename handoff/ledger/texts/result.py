"""What came of one attempt, as an agent delivers it: nine values.

They are the reservation, the kind (finished, failed, stopped, sent, or unstarted: nothing has run), the body (text of
RQ's return_value or exc_string, or ''), error, message, retryable (0, 1), jitter, forms (what its serializers made of
the value, with commas), and what it has used (texts/usage). Of the kind `sent` it is finished; value and forms were
sent before: the body names the parcel, the message is its length.
"""

from __future__ import annotations


def write_result(
    id: str, kind: str, body: str, error: str, message: str, retryable: bool, jitter: float, forms: str, usage: str
) -> list[str | int]:
    """Write what came of one attempt."""
    return [id, kind, body, error, message, int(retryable), f"{jitter:.3f}", forms, usage]
