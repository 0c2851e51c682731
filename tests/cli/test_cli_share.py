"""What all nodes share, and when a node is held for who waits, shown and set by commands."""

from __future__ import annotations

import json

from handoff.client.cluster import Cluster
from support.command_line import Run


class TestShare:
    def test_what_is_named_is_set_and_all_is_listed_with_its_use(self, run: Run, cluster: Cluster) -> None:
        cluster.register_node("a", {"cpu": 1})
        cluster.share({"seat": 3})

        result = run("share", "license=5", "gas=0.5")
        cluster.enqueue("tasks:f", cost={"license": 2})

        assert result.exit_code == 0
        assert run("share").stdout.splitlines() == [
            "gas        0/0.5 in use",
            "license    2/5 in use",
            "seat       0/3 in use",
        ]
        assert json.loads(run("share", "--json").stdout)["license"] == {"used": 2, "capacity": 5}

    def test_eighty_columns_are_enough_for_the_longest_name(self, run: Run, cluster: Cluster) -> None:
        name = "n" * 64
        cluster.share({name: 10_000})

        (line,) = run("share").stdout.splitlines()

        assert line.startswith(name)
        assert len(line) <= 80

    def test_what_is_removed_is_shared_no_more(self, run: Run, cluster: Cluster) -> None:
        cluster.share({"seat": 3, "license": 1})

        assert run("share", "license=2", "--remove", "seat").stdout == "license    0/2 in use\n"
        assert cluster.shared() == {"license": 2}

    def test_where_nothing_is_shared_it_says_how_it_would_be(self, run: Run, cluster: Cluster) -> None:
        assert run("share").stdout.endswith(": `handoff share license=5` would.\n")
        assert run("share", "--json").stdout == "{}\n"

    def test_what_a_node_has_for_itself_is_refused(self, run: Run, cluster: Cluster) -> None:
        cluster.register_node("a", {"cpu": 1})

        result = run("share", "cpu=4")

        assert result.exit_code == 2
        assert "node a has it for itself" in result.stderr


class TestLimit:
    def test_without_options_it_shows_what_holds_by_itself(self, run: Run, cluster: Cluster) -> None:
        assert run("limit").stdout.splitlines() == ["count      100 placements", "seconds    60 s"]

    def test_what_is_given_is_set_and_the_other_stays(self, run: Run, cluster: Cluster) -> None:
        cluster.limit_overtaking(7, 8)

        assert json.loads(run("limit", "--count", "5", "--json").stdout) == {"count": 5, "seconds": 8.0}
        assert json.loads(run("limit", "--seconds", "0.5", "--json").stdout) == {"count": 5, "seconds": 0.5}

    def test_none_is_no_limit_and_a_reset_is_as_by_itself(self, run: Run, cluster: Cluster) -> None:
        assert run("limit", "--count", "none", "--seconds", "none").stdout.splitlines() == [
            "count      none",
            "seconds    none",
        ]
        assert json.loads(run("limit", "--reset", "--json").stdout) == {"count": 100, "seconds": 60.0}
