"""What docs/testing.md shows runs as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from handoff.testing import ClusterHere

pytest_plugins = ["pytester"]

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs" / "testing.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_tests_of_the_guide_and_of_the_readme_pass_those_of_the_guide_on_agents_too(
    pytester: pytest.Pytester, server: object
) -> None:
    shop, tests, without_pytest = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
    [of_the_readme] = [
        text for text in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "handoff_cluster" in text
    ]
    pytester.makepyfile(shop=shop, test_shop=tests, test_unit=without_pytest, test_readme=of_the_readme)
    on_agents = tests.replace("pytest.mark.handoff(\n", "pytest.mark.handoff(\n    agents=True,", 1)
    pytester.makepyfile(test_on_agents=on_agents)

    pytester.runpytest_subprocess("-p", "no:randomly").assert_outcomes(passed=2 * tests.count("def test_") + 2)


@pytest.mark.parametrize("name", sorted(set(re.findall(r"^\| `(\w+)[(`]", GUIDE, re.MULTILINE)) - {"handle"}))
def test_every_helper_of_the_guide_exists(name: str) -> None:
    assert hasattr(ClusterHere, name)
