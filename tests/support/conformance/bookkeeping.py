"""Random walks after each step of which the books balance."""

from __future__ import annotations

import random
from collections import Counter
from fractions import Fraction
from typing import Any

import pytest

from handoff.books.reservation import Reservation, ResourceTracker
from support.conformance.asking import refused


class Bookkeeping:
    @pytest.mark.slow
    @pytest.mark.parametrize("seed", range(5))
    def test_free_and_held_always_make_up_what_the_node_has(self, tracker: ResourceTracker, seed: int) -> None:
        """A random walk over claims, releases and changing devices, checked after each step by plain addition."""
        choose = random.Random(seed)
        capabilities: dict[str, Any] = {"cpu": 4, "gpu": [0, 1, 2]}
        tracker.register_node("a", capabilities)
        held: list[Reservation] = []

        for _ in range(150):
            if held and choose.random() < 0.4:
                assert tracker.release(held.pop(choose.randrange(len(held))))
            else:
                cost = {"cpu": choose.randint(0, 8) / 8, "gpu": choose.choice([0, 0.1, 0.25, 0.5, 0.7, 1, 2])}
                if tracker.resources_available("a", cost):
                    held.append(tracker.request("a", cost))
                else:
                    assert refused(tracker, "a", cost)
            if choose.random() < 0.1:
                listed = sorted({0, 1, 2, 9} - {choose.choice([0, 1, 2, 9])})
                in_use = {index for reservation in held for index in reservation.devices.get("gpu", [])}
                if in_use <= set(listed):
                    capabilities["gpu"] = listed
                    tracker.register_node("a", capabilities)
            self._check(tracker, capabilities, held)

        assert all(tracker.release(reservation) for reservation in held)
        assert tracker.available("a") == {"cpu": 4, "gpu": len(capabilities["gpu"])}

    def _check(self, tracker: ResourceTracker, capabilities: dict[str, Any], held: list[Reservation]) -> None:
        cpu = sum(Fraction(reservation.cost.get("cpu", 0)) for reservation in held)
        shares: Counter[int] = Counter()
        for reservation in held:
            indices = reservation.devices.get("gpu", [])
            for index in indices:
                shares[index] += round(reservation.cost["gpu"] * 10_000) // len(indices)
        assert cpu <= 4
        assert shares.keys() <= set(capabilities["gpu"])
        assert all(share <= 10_000 for share in shares.values())
        left = len(capabilities["gpu"]) * 10_000 - shares.total()
        assert tracker.available("a") == {"cpu": 4 - cpu, "gpu": left / 10_000}
        idle = sum(shares[index] == 0 for index in capabilities["gpu"])
        assert tracker.resources_available("a", {"gpu": idle})
        assert not tracker.resources_available("a", {"gpu": idle + 1})

    @pytest.mark.slow
    @pytest.mark.parametrize("seed", range(5))
    def test_a_device_never_serves_two_kinds_of_claims_at_once(self, tracker: ResourceTracker, seed: int) -> None:
        """A random walk over whole devices, shares and memory, checked after each step by what is held."""
        choose = random.Random(seed)
        memory = {0: 100, 1: 100, 2: 250}
        tracker.register_node("a", {"gpu": 3}, device_memory={"gpu": memory})
        held: list[Reservation] = []

        for _ in range(150):
            if held and choose.random() < 0.45:
                assert tracker.release(held.pop(choose.randrange(len(held))))
            resource = choose.choice(["gpu", "gpu_memory"])
            cost = {resource: choose.choice([0.25, 0.5, 1, 2] if resource == "gpu" else [10, 50, 100, 200])}
            if tracker.resources_available("a", cost):
                held.append(tracker.request("a", cost))
            else:
                assert refused(tracker, "a", cost).keys() == cost.keys()
            shares, sizes = self._held(held)
            assert not shares.keys() & sizes.keys()
            assert all(share <= 1 for share in shares.values())
            assert all(size <= memory[index] for index, size in sizes.items())
            assert tracker.available("a") == {
                "gpu": sum(1 - shares[index] for index in memory if index not in sizes),
                "gpu_memory": sum(memory[index] - sizes[index] for index in memory if index not in shares),
            }

        assert all(tracker.release(reservation) for reservation in held)
        assert tracker.available("a") == {"gpu": 3, "gpu_memory": 450}

    def _held(self, held: list[Reservation]) -> tuple[Counter[int], Counter[int]]:
        """The share and the memory held of each device."""
        shares: Counter[int] = Counter()
        sizes: Counter[int] = Counter()
        for reservation in held:
            for resource, amount in reservation.cost.items():
                indices = reservation.devices["gpu"]
                for index in indices:
                    (shares if resource == "gpu" else sizes)[index] += amount / len(indices)  # type: ignore[assignment]
        return shares, sizes
