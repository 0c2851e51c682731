"""The files for Prometheus and Grafana, and the page about them, name what is served, and nothing else."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from handoff.metrics.families import FAMILIES, Family
from support.monitoring import need
from support.waiting import LIMIT_S

ROOT = Path(__file__).resolve().parents[2]
FILES = ROOT / "workers" / "monitoring"
PAGE = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
UNIT_TESTS = Path(__file__).with_name("alerts.test.yml")

RULES: list[dict[str, Any]] = yaml.safe_load((FILES / "alerts.yml").read_text(encoding="utf-8"))["groups"][0]["rules"]
BOARD: dict[str, Any] = json.loads((FILES / "grafana.json").read_text(encoding="utf-8"))
PANELS = [panel for panel in BOARD["panels"] if panel["type"] != "row"]
TARGETS = [target for panel in PANELS for target in panel["targets"]]
EXPRESSIONS = [rule["expr"] for rule in RULES] + [target["expr"] for target in TARGETS]

PARTS = {"gauge": [""], "counter": [""], "summary": ["", "_sum", "_count"], "histogram": ["_bucket", "_sum", "_count"]}
SERVED = {family.name + part: family for family in FAMILIES for part in PARTS[family.kind]}

GIVEN = {"instance", "job"}
"""Labels that Prometheus gives."""

_SELECTOR = re.compile(r"\b(handoff_\w+)(?:\{([^}]*)\})?")
_MATCHER = re.compile(r"""\s*(\w+)\s*(=~|!=|!~|=)\s*(["'])(.*?)\3""")
_GROUPING = re.compile(r"\b(?:by|without|on|ignoring)\s*\(([^)]*)\)")


def labels_of(name: str) -> set[str]:
    family = SERVED[name]
    labels = set(family.labels) if name == family.name else set[str]()
    return labels | GIVEN | ({"le"} if name.endswith("_bucket") else set())


def faults_of(expression: str) -> Iterator[str]:
    """What an expression names that is not served."""
    used: set[str] = set()
    for name, matchers in _SELECTOR.findall(expression):
        if name not in SERVED:
            yield f"no metric is called {name}"
            continue
        used |= labels_of(name)
        for label, how, _, value in _MATCHER.findall(matchers):
            if label not in labels_of(name):
                yield f"{name} has no label {label}"
            known = SERVED[name].values.get(label)
            asked = value.split("|") if how in ("=~", "!~") else [value]
            if known is not None and not set(asked) <= set(known):
                yield f"{label} of {name} is never {value}"
    for listed in _GROUPING.findall(expression):
        yield from (f"nothing there has a label {label}" for label in re.findall(r"\w+", listed) if label not in used)


def table() -> str:
    """What the page lists."""
    return "\n".join(["| name | kind | labels | what it says |", "| --- | --- | --- | --- |", *map(_row, FAMILIES)])


def _row(family: Family) -> str:
    labels = ", ".join(
        f"`{label}`" + (f" ({', '.join(family.values[label])})" if label in family.values else "")
        for label in family.labels
    )
    return f"| `{family.name}` | {family.kind} | {labels} | {family.help} |"


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_whatever_is_named_in_an_expression_is_served(expression: str) -> None:
    assert list(faults_of(expression)) == []
    assert _SELECTOR.search(expression) or expression == 'up{job="handoff"} == 0'


@pytest.mark.parametrize(
    "expression",
    [
        "handoff_node > 0",
        "rate(handoff_wait_seconds[5m])",
        'handoff_nodes{node="a"}',
        'handoff_nodes{state="away"}',
        'handoff_attempts_total{outcome=~"failed|burnt"}',
        "sum by (node) (handoff_nodes)",
        "sum by (quantile) (handoff_redis_script_seconds_sum)",
    ],
)
def test_a_name_a_label_and_a_value_that_are_not_served_are_noticed(expression: str) -> None:
    assert list(faults_of(expression)) != []


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target["expr"])
def test_a_legend_names_a_label_that_is_left(target: dict[str, Any]) -> None:
    left = {label for listed in re.findall(r"\bby \(([^)]*)\)", target["expr"]) for label in re.findall(r"\w+", listed)}
    labels = {label for name, _ in _SELECTOR.findall(target["expr"]) for label in labels_of(name)}

    assert set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) <= (left - {"le"} or labels)


def test_every_figure_is_shown_or_told_of_somewhere() -> None:
    shown = {SERVED[name].name for each in EXPRESSIONS for name, _ in _SELECTOR.findall(each)}

    assert {family.name for family in FAMILIES} - shown == {
        "handoff_info", "handoff_read_seconds", "handoff_waiting_shapes", "handoff_event_gaps_total",
        "handoff_redis_clients", "handoff_doctor_duration_seconds", "handoff_node_up",
    }  # fmt: skip


def test_the_dashboard_asks_the_source_and_the_instances_that_are_chosen() -> None:
    names = {variable["name"] for variable in BOARD["templating"]["list"]}

    assert names == {"source", "instance"}
    assert all(target["datasource"]["uid"] == "${source}" for target in TARGETS)
    assert all('instance=~"$instance"' in target["expr"] for target in TARGETS)
    assert len({panel["id"] for panel in BOARD["panels"]}) == len(BOARD["panels"])


def test_the_panels_stand_side_by_side_and_do_not_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in BOARD["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken
        assert at["x"] + at["w"] <= 24
        taken |= cells


def promtool(*arguments: str | Path) -> str:
    """What it complains of."""
    done = subprocess.run([need("promtool"), *arguments], capture_output=True, text=True, timeout=LIMIT_S)
    return done.stdout + done.stderr if done.returncode else ""


def test_prometheus_takes_its_file_and_the_rules() -> None:
    assert promtool("check", "config", FILES / "prometheus.yml") == ""


def test_each_alert_is_told_when_it_is_to_be_and_not_when_all_is_well() -> None:
    tested = yaml.safe_load(UNIT_TESTS.read_text(encoding="utf-8"))["tests"]
    well, _, wrong = ({each["alertname"] for each in test["alert_rule_test"]} for test in tested)

    assert well == wrong == {rule["alert"] for rule in RULES}
    assert promtool("test", "rules", UNIT_TESTS) == ""


def test_a_rule_that_is_told_otherwise_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "alerts.yml").write_text((FILES / "alerts.yml").read_text().replace("> 3600", "> 9999"))
    other = UNIT_TESTS.read_text().replace("../../workers/monitoring/alerts.yml", "alerts.yml")
    (tmp_path / "test.yml").write_text(other)

    assert "HandoffWaitsLong" in promtool("test", "rules", tmp_path / "test.yml")


def test_prometheus_understands_every_expression_of_the_dashboard(tmp_path: Path) -> None:
    asked = [target["expr"].replace("$instance", ".*").replace("$__rate_interval", "5m") for target in TARGETS]
    rules = [{"record": f"asked:{number}", "expr": expression} for number, expression in enumerate(asked)]
    path = tmp_path / "rules.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))

    assert promtool("check", "rules", path) == ""


def test_the_page_lists_what_is_served() -> None:
    assert table() in PAGE


def test_the_page_says_of_each_alert_what_to_do() -> None:
    told = re.findall(r"^\| `(Handoff\w+)` \| .+ \| .+ \|$", PAGE, re.MULTILINE)

    assert told == [rule["alert"] for rule in RULES]


def test_what_the_page_shows_of_prometheus_is_its_file() -> None:
    (shown,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)

    assert shown in (FILES / "prometheus.yml").read_text(encoding="utf-8")
