"""A keyword of `enqueue` that fits nowhere, such as an option that is misspelt, is told before anything is written."""

from __future__ import annotations

from typing import Any

import pytest

from handoff.client.cluster import Cluster
from handoff.errors import InvalidFunction
from support import keyword_tasks
from support.refused import assert_refused


@pytest.mark.parametrize(
    ("keyword", "meant"),
    [
        ("costs", "did you mean cost=?"),
        ("cots", "did you mean cost=?"),
        ("max_retry", "did you mean max_retries=?"),
        ("epoch", "did you mean epochs=?"),
        ("xyzzy", "leave it out"),
        ("first", "leave it out"),
    ],
)
def test_the_keyword_is_named_with_what_comes_nearest(busy: Cluster, keyword: str, meant: str) -> None:
    said = f"{keyword}= is neither an option of enqueue nor an argument of the function: {meant}"
    options: dict[str, Any] = {keyword: 2}

    assert_refused(
        busy, lambda cluster: cluster.enqueue(keyword_tasks.train, **options), InvalidFunction, said, "kwargs="
    )


def test_of_a_method_of_a_class_it_is_told_too(busy: Cluster) -> None:
    assert_refused(
        busy, lambda cluster: cluster.enqueue(keyword_tasks.Model.fit, costs=1), InvalidFunction, "did you mean cost=?"
    )


@pytest.mark.parametrize(
    ("code", "keywords"),
    [
        (keyword_tasks.train, {"epochs": 1, "rate": 2}),
        (keyword_tasks.train, {"kwargs": {"costs": 2}}),
        (keyword_tasks.anything, {"costs": 2}),
        (keyword_tasks.wrapped, {"costs": 2}),
        (keyword_tasks.Model.fit, {"epochs": 2}),
        (keyword_tasks.Model, {"costs": 2}),
        ("nowhere.on.earth:f", {"costs": 2}),
        (keyword_tasks.train, {"args": (1,), "kwargs": {"first": 2}}),
    ],
    ids=[
        "its own", "in kwargs=", "any", "of a wrapper that takes any", "of a method", "of a class",
        "of what is given by name", "by position",
    ],
)  # fmt: skip
def test_what_a_function_may_take_goes_to_it(cluster: Cluster, code: Any, keywords: dict[str, Any]) -> None:
    handle = cluster.enqueue(code, **keywords)

    sent = keywords.get("kwargs", {key: value for key, value in keywords.items() if key != "args"})
    assert dict(handle.job.kwargs) == sent
