"""Arguments that are too large are refused with their size."""

from __future__ import annotations

import os
from typing import Any

import pytest

from handoff.client.cluster import Cluster
from handoff.errors import TooLarge
from support.refused import assert_refused, enqueue, work

MB = 10**6


class TestSizes:
    def test_arguments_of_seven_megabytes_arrive_as_they_were(self, cluster: Cluster) -> None:
        data = os.urandom(7 * MB)
        cluster.register_node("a", {"cpu": 1})

        handle = cluster.enqueue(work, data)

        assert handle.verdict is not None
        assert handle.verdict.state == "placed"
        assert handle.job.args == (data,)

    @pytest.mark.parametrize("data", [bytes(9 * MB), "x" * (9 * MB), [1] * (9 * MB)], ids=["bytes", "str", "list"])
    def test_arguments_of_nine_megabytes_are_refused_with_their_size(self, busy: Cluster, data: Any) -> None:
        assert_refused(busy, enqueue(data), TooLarge, "8.6 MB", "8 MB is the limit")

    def test_the_last_byte_that_has_room_arrives_and_one_more_is_refused(self, cluster: Cluster) -> None:
        with pytest.raises(TooLarge) as refused:
            cluster.enqueue(work, bytes(9 * MB))
        most = 9 * MB - (refused.value.size - refused.value.limit)

        with pytest.raises(TooLarge):
            cluster.enqueue(work, bytes(most + 1))
        assert cluster.enqueue(work, bytes(most)).job.args == (bytes(most),)
        assert refused.value.limit == 8 * 2**20

    def test_many_arguments_count_together(self, busy: Cluster) -> None:
        assert_refused(busy, enqueue(*[bytes(MB)] * 9), TooLarge, "8.6 MB")

    def test_an_empty_call_and_a_very_long_text_are_nothing_special(self, cluster: Cluster) -> None:
        handle = cluster.enqueue(work, "", b"", None, "ü\0\n\ud800" * 1000, description="d" * 1000, meta={"": ""})

        assert handle.job.args == ("", b"", None, "ü\0\n\ud800" * 1000)
        assert handle.job.description == "d" * 1000

    def test_of_a_longer_description_the_first_thousand_characters_are_kept(self, cluster: Cluster) -> None:
        handle = cluster.enqueue(work, description="d" * 100_000)

        assert handle.job.description == "d" * 997 + "..."
