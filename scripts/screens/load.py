"""The example: unlike nodes, what runs, waits and fails on them, and a run that is half way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from handoff import DAG, Cluster, Function, LocalCluster

NODES: dict[str, dict[str, Any]] = {
    "gpu-1": {"cpu": 16, "memory": 64_000, "gpu": 4, "slots": 16},
    "gpu-2": {"cpu": 16, "memory": 64_000, "gpu": 2, "slots": 16},
    "cpu-1": {"cpu": 8, "memory": 32_000, "slots": 8},
    "cpu-2": {"cpu": 8, "memory": 32_000, "slots": 8},
    "license-1": {"cpu": 4, "memory": 8_000, "matlab_license": 2, "slots": 4},
}

LABELS = {
    "gpu-1": {"zone": "a", "card": "a100"},
    "gpu-2": {"zone": "b", "card": "l4"},
    "cpu-1": {"zone": "a"},
    "cpu-2": {"zone": "b"},
}

FILMS = ("alien", "brazil", "charade", "metropolis", "nosferatu", "playtime", "rashomon", "sunrise", "vertigo")


def example_cluster() -> LocalCluster:
    """Five nodes that are unlike."""
    return LocalCluster(NODES, labels=LABELS)


def fill(cluster: Cluster) -> None:
    """Submit what there is to be seen."""
    for number, model in enumerate(("resnet-50", "vit-b16", "whisper-s")):
        cluster.enqueue("screens.lab:train", model, 90 + 30 * number, cost={"gpu": 1, "cpu": 4, "memory": 12_000})
    for model in ("bert-tiny", "bert-small"):
        cluster.enqueue("screens.lab:train", model, 200, cost={"gpu": 0.5, "cpu": 2, "memory": 6_000})
    cluster.enqueue("screens.lab:train", "llama-7b", 300, cost={"gpu": 2, "cpu": 8, "memory": 24_000})
    cluster.enqueue("screens.lab:train", "llama-70b", cost={"gpu": 8, "cpu": 16})
    cluster.enqueue("screens.lab:train", "mixtral", cost={"gpu": 4, "cpu": 16}, where={"card": "h100"})
    for model in ("llama-13b", "qwen-7b", "gemma-9b"):
        cluster.enqueue("screens.lab:train", model, cost={"gpu": 2, "cpu": 8}, where={"card": "a100"})
    cluster.enqueue("screens.lab:features", 1, cost={"matlab_license": 2, "cpu": 2})
    for part in range(4):
        cluster.enqueue("screens.lab:features", part, cost={"matlab_license": 1, "cpu": 1})
    cluster.submit_dag(run(), max_concurrency=6)
    for _ in range(6):
        for film in FILMS:
            cluster.enqueue("screens.lab:transcode", film, 2_500, cost={"cpu": 2, "memory": 1_500})
            cluster.enqueue("screens.lab:thumbnail", film, cost={"cpu": 1})
    for shard in range(28):
        cluster.enqueue("screens.lab:evaluate", "resnet-50", shard, cost={"cpu": 1})
    for film in FILMS[:4]:
        cluster.enqueue("screens.lab:upload", film, cost={"cpu": 1}, max_retries=0)
    for film in FILMS[4:6]:
        cluster.enqueue("screens.lab:upload", film, cost={"cpu": 1}, max_retries=4)
    cluster.enqueue("screens.lab:train", "nightly", delay=3_600, cost={"gpu": 1})
    recur(cluster)


def recur(cluster: Cluster) -> None:
    """Have something come again and again: of which some ran, and one rests."""
    night, few = {"gpu": 1, "cpu": 4}, {"cpu": 1}
    cluster.every("retrain-nightly", "0 3 * * *", "screens.lab:train", "nightly", timezone="Europe/Paris", cost=night)
    cluster.every("report-weekly", "30 6 * * 1", "screens.lab:report", timezone="America/New_York", cost=few)
    cluster.every("thumbnails", 2, "screens.lab:thumbnail", "vertigo", cost=few)
    cluster.every("upload-new", 3, "screens.lab:upload", "alien", cost=few, max_retries=0)
    cluster.every("evaluate-hourly", 3_600, "screens.lab:evaluate", "vit-b16", 1, overlap="run", cost=few)
    cluster.run_schedule("evaluate-hourly")
    cluster.every("reindex", "*/15 * * * *", "screens.lab:features", 1, catch_up="none", cost=few)
    cluster.pause_schedule("reindex")


def run() -> DAG:
    """Parts that are loaded and made features of, merged in two groups, fitted and reported."""
    dag = DAG("recommender-weekly")
    small = {"cpu": 1, "memory": 500}
    for part in range(8):
        dag.add(Function(f"load-{part}", "screens.lab:load", extra_args=(part,), cost=small))
        dag.add(Function(f"features-{part}", "screens.lab:features", args=(f"load-{part}",), cost=small))
    for group in range(2):
        parts = tuple(f"features-{part}" for part in range(group * 4, group * 4 + 4))
        dag.add(Function(f"merge-{group}", "screens.lab:merge", args=parts, argument_inclusion="as_list", cost=small))
        dag.add(Function(f"fit-{group}", "screens.lab:fit", args=(f"merge-{group}",), cost={"cpu": 4}))
    return dag.add(Function("report", "screens.lab:report", args=("fit-0", "fit-1"), cost=small))


def trickle(cluster: Cluster, is_over: Callable[[float], bool]) -> None:
    """Keep something coming until `is_over`, which waits so many seconds at most, says so."""
    number = 0
    while not is_over(0.5):
        film = FILMS[number % len(FILMS)]
        cluster.enqueue("screens.lab:transcode", film, 1_800, cost={"cpu": 2, "memory": 1_500})
        cluster.enqueue("screens.lab:thumbnail", film, cost={"cpu": 1})
        if number % 4 == 0:
            cluster.enqueue("screens.lab:evaluate", "vit-b16", number, cost={"cpu": 1})
        number += 1
