"""What a client is told of a function that was lost with its node."""

from __future__ import annotations

import pytest

from handoff import Handle, NodeLost
from support.waiting import LIMIT_S


def assert_lost(handle: Handle, node: str) -> str:
    """Wait for it. -> what the error says of why"""
    with pytest.raises(NodeLost) as caught:
        handle.result(LIMIT_S)
    assert caught.value.node == node
    return caught.value.reason
