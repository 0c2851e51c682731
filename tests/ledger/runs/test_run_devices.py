"""Which devices functions of a run hold."""

from __future__ import annotations

from handoff.words.function import Collocated
from support.books import assert_nothing_held
from support.graphs import Site, function
from support.runs import run_to_the_end


def test_functions_of_a_run_hold_devices_one_after_the_other(site: Site) -> None:
    site.node("a", cpu=9, gpu=2, device_memory={"gpu": 8000})
    run = site.submit(
        function("x", cost={"gpu": 1}),
        function("y", "x", cost={"gpu": 2}),
        function("z", "y", cost={"gpu_memory": 6000}, node=Collocated("y")),
        function("v", "y", cost={"gpu_memory": 6000}, node=Collocated("y")),
    )

    assert run.handle("x").devices == {"gpu": [0]}
    site.take()
    site.finish("x")
    assert run.handle("y").devices == {"gpu": [0, 1]}
    site.take()
    site.finish("y")
    assert (run.handle("z").devices, run.handle("v").devices) == ({"gpu": [0]}, {"gpu": [1]})
    run_to_the_end(site)
    assert_nothing_held(site.store)


def test_a_group_asks_for_the_memory_of_its_largest_and_the_devices_of_all(site: Site) -> None:
    site.node("a", gpu=1, device_memory={"gpu": 8000})
    site.node("b", gpu=2, device_memory={"gpu": 4000})
    site.node("c", gpu=2, device_memory={"gpu": 8000})

    site.submit(
        function("x", cost={"gpu": 1}), function("y", cost={"gpu": 1}, node=Collocated("x")),
        function("z", "x", "y", cost={"gpu_memory": 6000}, node=Collocated("x")),
    )  # fmt: skip

    assert site.reservations() == {"x": "c", "y": "c"}


def test_a_group_that_wants_a_part_of_a_device_more_goes_where_there_is_one_more(site: Site) -> None:
    site.node("a", gpu=1)
    site.node("b", gpu=2)

    site.submit(function("x", cost={"gpu": 1}), function("y", cost={"gpu": 0.5}, node=Collocated("x")))

    assert site.reservations() == {"x": "b", "y": "b"}
