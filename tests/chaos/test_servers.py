"""What the campaign does to its servers is done to all who use them."""

from __future__ import annotations

from pathlib import Path

import redis

from campaign.relay import Relay
from campaign.servers import Pair
from support import need_redis_server


def test_who_stayed_with_a_demoted_master_does_not_write_into_a_copy(tmp_path: Path) -> None:
    need_redis_server()
    with Pair(tmp_path) as pair:
        relay = Relay(pair.master.port)
        pair.when_moved = relay.lead_to
        client = redis.from_url(pair.url(relay.door("client")))
        client.set("before", 1)
        pair.fail_over()
        assert client.info("replication")["role"] == "slave"

        with pair.copy() as copy:
            client.set("meanwhile", 1)
            assert copy.keys() == [b"before"]

        assert sorted(pair.master.client().keys()) == [b"before", b"meanwhile"]
        relay.close()
