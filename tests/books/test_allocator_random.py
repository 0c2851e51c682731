"""Both allocators against plain counting."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from support.placing import allocate, balance, function

HUNDREDTHS = st.integers(1, 300).map(lambda number: number / 100)


@given(
    room=st.lists(st.tuples(HUNDREDTHS, HUNDREDTHS), max_size=4),
    costs=st.lists(st.tuples(HUNDREDTHS, HUNDREDTHS), max_size=8),
)
def test_sums_are_placed_as_by_a_plain_first_fit(
    room: list[tuple[float, float]], costs: list[tuple[float, float]]
) -> None:
    left = {f"n{i}": [round(cpu * 100), round(memory * 100)] for i, (cpu, memory) in enumerate(room)}
    expected: dict[str, str | None] = {}
    for i, (cpu, memory) in enumerate(costs):
        wanted = [round(cpu * 100), round(memory * 100)]
        fitting = [name for name, have in left.items() if have[0] >= wanted[0] and have[1] >= wanted[1]]
        expected[f"f{i}"] = fitting[0] if fitting else None
        if fitting:
            left[fitting[0]] = [left[fitting[0]][0] - wanted[0], left[fitting[0]][1] - wanted[1]]

    placed = allocate(
        [function(f"f{i}", cpu=cpu, memory=memory) for i, (cpu, memory) in enumerate(costs)],
        {f"n{i}": {"cpu": cpu, "memory": memory} for i, (cpu, memory) in enumerate(room)},
    )

    assert placed == expected


@given(
    nodes=st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5)), max_size=4),
    costs=st.lists(st.integers(1, 3), max_size=10),
)
def test_sums_are_balanced_as_by_plain_counting(nodes: list[tuple[int, int]], costs: list[int]) -> None:
    capacity = {f"n{i}": have * more for i, (have, more) in enumerate(nodes)}
    left = {f"n{i}": have for i, (have, _) in enumerate(nodes)}
    expected: list[str | None] = []
    for cost in costs:
        fitting = [name for name in left if left[name] >= cost]
        best = max(fitting, key=lambda name: left[name] * 10_000 // capacity[name], default=None)
        expected.append(best)
        if best is not None:
            left[best] -= cost

    placed = balance(
        [function(f"f{i}", cpu=cost) for i, cost in enumerate(costs)],
        {f"n{i}": {"cpu": have} for i, (have, _) in enumerate(nodes)},
        {name: {"cpu": cpu} for name, cpu in capacity.items()},
    )

    assert placed == expected
