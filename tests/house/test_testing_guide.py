"""What docs/testing.md shows runs as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

GUIDE = (Path(__file__).resolve().parents[2] / "docs" / "testing.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_tests_of_the_guide_pass(pytester: pytest.Pytester) -> None:
    shop, tests, without_pytest = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
    pytester.makepyfile(shop=shop, test_shop=tests, test_unit=without_pytest)

    pytester.runpytest_subprocess("-p", "no:randomly").assert_outcomes(passed=tests.count("def test_") + 1)


@pytest.mark.parametrize("name", re.findall(r"^\| `(\w+)", GUIDE, re.MULTILINE))
def test_every_helper_of_the_guide_exists(name: str) -> None:
    from handoff import Handle
    from handoff.testing import ClusterHere

    assert hasattr(ClusterHere, name) or name == "handle"
    assert hasattr(Handle, "result")
