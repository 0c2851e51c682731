"""The page of the task stream."""

from __future__ import annotations

import re

from starlette.testclient import TestClient

from handoff.client.cluster import Cluster
from handoff.dashboard.drawing.colours import COUNT
from handoff.view.history import ENDS
from handoff_worker.agent.delivery import stopped
from support.status import Playing, failed


def test_what_came_of_attempts_knows_every_end_also_that_one_was_stopped(cluster: Cluster, web: TestClient) -> None:
    playing = Playing(cluster)
    cluster.enqueue("films:convert", cost={"cpu": 1})
    (id,) = playing.start()
    playing.agent.exchange(2, 0, [stopped(id, "somebody has sent for it")])
    table = web.get("/tasks").text.partition("What came of attempts")[2]

    assert tuple(re.findall(r'<th scope="col" class="num">(\w+)</th>', table)) == ENDS
    assert [re.sub(r"<.*?>", "", cell) for cell in re.findall(r"<td class=\"num.*?</td>", table)] == [
        "1" if end == "stopped" else "0" for end in ENDS
    ]


def test_the_legend_names_as_many_functions_as_there_are_colours(cluster: Cluster, web: TestClient) -> None:
    playing = Playing(cluster)
    for number in range(COUNT + 1):
        failed(cluster, playing, code=f"films:f{number}", max_retries=0)
    legend = web.get("/tasks").text.partition('class="legend"')[2].partition("</ul>")[0]
    colours = re.findall(r'class="(k\d+)"', legend)

    assert len(colours) == COUNT
    assert len(set(colours)) == COUNT
