"""Random graphs that are valid."""

from __future__ import annotations

from hypothesis import strategies as st

from handoff.words.argument import Argument
from handoff.words.function import Collocated, Function
from support.plans import function

TRANSFORMS = [None, "module:s", ("module:s", 1), ("module:s", True), "module:t"]


@st.composite
def graphs(draw: st.DrawFn, *, largest: int = 9) -> list[Function]:
    """Valid graphs with inlines, transforms, durations, collocation; in any order of adding."""
    count = draw(st.integers(1, largest))
    functions: list[Function] = []
    for index in range(count):
        earlier = st.integers(0, index - 1).map(str)
        argument = earlier | st.builds(
            Argument, earlier, serialize=st.sampled_from(TRANSFORMS), deserialize=st.sampled_from(TRANSFORMS)
        )
        regular = [each.id for each in functions if each.type == "regular"]
        kind = draw(st.sampled_from(["regular", "regular", "inline"]))
        place = st.sampled_from(regular).map(Collocated) if kind == "regular" and regular else st.none()
        amount = st.sampled_from([0, 0.5, 1, 2, 3])
        functions.append(
            function(
                str(index),
                *(draw(st.lists(argument, max_size=3)) if index else []),
                type=kind,
                argument_inclusion=draw(st.sampled_from(["variadic", "as_list"])),
                duration=draw(st.none() | st.integers(0, 20)),
                extra_args=[index],
                node=draw(st.none() | place),
                cost=None if kind == "inline" else {"cpu": draw(amount), "memory": draw(amount)},
            )
        )
    return draw(st.permutations(functions))
