"""What the nodes of the example run: they wait more than they work."""

from __future__ import annotations

import random
import time

import handoff


def train(model: str, epochs: int = 60, seconds: float = 1.0) -> dict[str, float]:
    """Says how far it is, and prints a line an epoch."""
    loss = 2.4
    for epoch in range(1, epochs + 1):
        time.sleep(seconds)
        loss *= 0.96
        print(f"{model}: epoch {epoch}/{epochs}, loss {loss:.4f}")
        handoff.current().progress(epoch / epochs, f"epoch {epoch} of {epochs}, loss {loss:.3f}")
    return {"loss": round(loss, 4)}


def transcode(film: str, frames: int) -> str:
    time.sleep(frames / 1000)
    return f"{film}.mp4"


def thumbnail(film: str) -> str:
    time.sleep(random.uniform(0.05, 0.4))
    return f"{film}.png"


def evaluate(model: str, shard: int) -> float:
    time.sleep(random.uniform(0.2, 1.2))
    if shard % 7 == 3:
        raise ValueError(f"shard {shard} of {model} has no labels")
    return round(random.uniform(0.8, 0.95), 4)


def upload(film: str) -> None:
    time.sleep(0.2)
    raise ConnectionError(f"storage.example did not answer in time for {film}")


def load(part: int) -> int:
    time.sleep(random.uniform(0.3, 1.5))
    return part


def features(part: int) -> int:
    time.sleep(random.uniform(1, 6))
    return part


def merge(parts: list[int]) -> int:
    time.sleep(3)
    return sum(parts)


def fit(total: int) -> int:
    time.sleep(20)
    return total


def report(*fitted: int) -> int:
    return sum(fitted)
