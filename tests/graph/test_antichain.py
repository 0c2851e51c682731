"""The heaviest set of which none comes before another, against a search of all."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from handoff.graph.antichain import heaviest_antichain


@st.composite
def orders(draw: st.DrawFn) -> tuple[list[int], list[int]]:
    """An order of up to 9 members, as masks of what comes after each, and their weights."""
    count = draw(st.integers(0, 9))
    after = [0] * count
    for index in reversed(range(count)):
        for later in draw(st.sets(st.integers(index + 1, count - 1))) if index + 1 < count else ():
            after[index] |= 1 << later | after[later]
    return after, draw(st.lists(st.integers(0, 7), min_size=count, max_size=count))


class TestAntichain:
    @given(orders())
    def test_it_is_the_heaviest_of_all_sets_without_one_before_another(
        self, order: tuple[list[int], list[int]]
    ) -> None:
        after, weights = order

        sets = [[member for member in range(len(after)) if chosen >> member & 1] for chosen in range(1 << len(after))]
        free = [chosen for chosen in sets if not any(after[one] >> other & 1 for one in chosen for other in chosen)]
        assert heaviest_antichain(after, weights) == max(sum(weights[member] for member in chosen) for chosen in free)

    def test_levels_that_all_wait_for_the_one_before_take_as_much_as_the_heaviest(self) -> None:
        width, depth = 16, 16
        after = [sum(1 << other for other in range(256) if other // width > member // width) for member in range(256)]
        weights = [10_000 + member * 7919 % 997 for member in range(256)]

        levels = [sum(weights[level * width : (level + 1) * width]) for level in range(depth)]
        assert heaviest_antichain(after, weights) == max(levels)
