"""What is shipped to run Handoff with: each file is one that its program takes, and all of them say the same."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import redis
import yaml

from handoff.cli.metrics import metrics
from handoff_worker.__main__ import main
from handoff_worker.check import PATIENCE_S
from support import need_redis_server
from support.private_servers import server_of
from support.waiting import LIMIT_S

ROOT = Path(__file__).resolve().parents[2]
WORKERS = ROOT / "workers"
UNIT = WORKERS / "handoff-node.service"

KUBERNETES = ("1.29", "1.33", "1.37")
"""Versions whose schemas the manifests are held to."""

OWN_MB = 256
"""What the limit of a container has more than its agent offers."""

COMPOSED: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))

MANIFESTS: dict[str, dict[str, Any]] = {
    f"{each['kind']} {each['metadata']['name']}": each
    for path in sorted((WORKERS / "kubernetes").glob("*.yaml"))
    for each in yaml.safe_load_all(path.read_text(encoding="utf-8"))
}

CONTAINERS: dict[str, dict[str, Any]] = {
    name: container
    for name, each in MANIFESTS.items()
    if each["kind"] in ("StatefulSet", "Deployment")
    for container in each["spec"]["template"]["spec"]["containers"]
}

NODES = {name: container for name, container in CONTAINERS.items() if container["name"] == "node"}


def compose_schema() -> Any:
    vendored = files("check_jsonschema.builtin_schemas.vendor") / "compose-spec.json"
    return json.loads(vendored.read_text(encoding="utf-8"))


def test_docker_compose_takes_its_file() -> None:
    jsonschema.validate(COMPOSED, compose_schema())


def test_a_key_that_docker_compose_does_not_know_is_noticed() -> None:
    broken = {**COMPOSED, "services": {"redis": {**COMPOSED["services"]["redis"], "restarts": "always"}}}

    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(broken, compose_schema())


@pytest.mark.parametrize("version", KUBERNETES)
@pytest.mark.parametrize("name", MANIFESTS)
def test_kubernetes_takes_each_manifest(name: str, version: str) -> None:
    kubernetes_validate.validate(MANIFESTS[name], version, strict=True)


def test_a_field_that_kubernetes_does_not_know_is_noticed() -> None:
    broken = {**MANIFESTS["Service handoff-redis"], "spec": {"selectors": {}}}

    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken, KUBERNETES[-1], strict=True)


@pytest.mark.parametrize("name", [name for name in MANIFESTS if name.startswith("StatefulSet")])
def test_the_pods_of_a_set_are_those_that_it_and_its_service_ask_for(name: str) -> None:
    spec = MANIFESTS[name]["spec"]
    service = MANIFESTS[f"Service {spec['serviceName']}"]["spec"]
    labels = spec["template"]["metadata"]["labels"].items()

    assert spec["selector"]["matchLabels"].items() <= labels
    assert service["selector"].items() <= labels


def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("units cannot be verified here: systemd-analyze is not installed")
    # A program that exists, for systemd looks.
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text(encoding="utf-8").replace("/opt/handoff/bin/handoff", "/bin/sh"), encoding="utf-8")

    done = subprocess.run(
        ["systemd-analyze", "verify", str(unit)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LIMIT_S,
    )

    assert (done.returncode, done.stdout) == (0, "")


def node_commands() -> Iterator[tuple[str, list[str]]]:
    for name, service in COMPOSED["services"].items():
        if name != "redis":
            yield f"compose {name}", service["command"]
    for name, container in NODES.items():
        yield name, [each.replace("$(POD_NAME)", "handoff-cpu-0") for each in container["args"]]
    started = re.search(r"^ExecStart=\S+ node (.*)$", UNIT.read_text(encoding="utf-8"), re.MULTILINE)
    assert started
    settings = str(WORKERS / "node.example.toml")
    yield "unit", shlex.split(started[1].replace("/etc/handoff/node.toml", settings))


@pytest.mark.parametrize("arguments", [pytest.param(each, id=name) for name, each in node_commands()])
def test_an_agent_takes_the_arguments_that_it_is_started_with(arguments: list[str]) -> None:
    with main.make_context("node", list(arguments)):
        pass


def probes() -> Iterator[tuple[str, list[str], float]]:
    """What asks after a node: where, by which command, and how many seconds that has."""
    for name, service in COMPOSED["services"].items():
        if name != "redis":
            health = service["healthcheck"]
            yield f"compose {name}", health["test"][1:], float(health["timeout"].removesuffix("s"))
    for name, container in NODES.items():
        for kind in ("startupProbe", "livenessProbe"):
            yield f"{name} {kind}", container[kind]["exec"]["command"], container[kind]["timeoutSeconds"]
    image = (WORKERS / "Dockerfile").read_text(encoding="utf-8")
    health = re.search(r"^HEALTHCHECK .*--timeout=(\d+)s [^\[]*(\[.*\])$", image, re.MULTILINE)
    assert health
    yield "image", json.loads(health[2]), float(health[1])


@pytest.mark.parametrize(("command", "seconds"), [pytest.param(*each, id=name) for name, *each in probes()])
def test_a_probe_asks_the_agents_own_check_and_waits_until_that_gives_up(command: list[str], seconds: float) -> None:
    program, *arguments = command

    assert (program, arguments[:2]) == ("python", ["-m", "handoff_worker"])
    with main.make_context("node", arguments[2:]) as context:
        assert context.params["check"] is True
    # Behind it, the start of Python on a machine that is busy with functions.
    assert seconds > 2 * PATIENCE_S


def test_a_pod_names_its_node_and_its_redis_by_what_it_is_given() -> None:
    for container in NODES.values():
        given = {each["name"]: each for each in container["env"]}
        asked = re.findall(r"\$\((\w+)\)", " ".join([*container["args"], given["HANDOFF_REDIS_URL"]["value"]]))

        assert set(asked) == {"POD_NAME", "REDIS_PASSWORD"} <= set(given)
        # Of one variable in another only those count that stand before it.
        assert list(given).index("REDIS_PASSWORD") < list(given).index("HANDOFF_REDIS_URL")
        assert f"@{MANIFESTS['Service handoff-redis']['metadata']['name']}:6379/" in given["HANDOFF_REDIS_URL"]["value"]


def offered_mb(arguments: list[str]) -> int:
    return int(arguments[arguments.index("--memory") + 1])


def test_the_metrics_are_served_where_they_are_scraped() -> None:
    container, service = CONTAINERS["Deployment handoff-metrics"], MANIFESTS["Service handoff-metrics"]
    program, name, *arguments = container["command"]
    given = [each["name"] for each in container["env"]]
    (port,), (scraped,) = container["ports"], service["spec"]["ports"]

    assert (program, name) == ("handoff", "metrics")
    with metrics.make_context("metrics", arguments) as context:
        assert context.params["host"] == "0.0.0.0"
        assert context.params["port"] == port["containerPort"] == scraped["port"]
    assert service["metadata"]["annotations"]["prometheus.io/port"] == str(scraped["port"])
    assert scraped["targetPort"] == port["name"] == container["livenessProbe"]["httpGet"]["port"]
    assert service["spec"]["selector"] == MANIFESTS["Deployment handoff-metrics"]["spec"]["selector"]["matchLabels"]
    assert given == ["REDIS_PASSWORD", "HANDOFF_REDIS_URL"]


def test_a_container_may_use_more_memory_than_its_agent_offers() -> None:
    for container in NODES.values():
        limits = container["resources"]["limits"]
        assert int(limits["memory"].removesuffix("Gi")) * 1024 - offered_mb(container["args"]) >= OWN_MB
        assert {"cpu": limits["cpu"], "memory": limits["memory"]} == container["resources"]["requests"]
    for name, service in COMPOSED["services"].items():
        if name != "redis":
            limit = int(service["deploy"]["resources"]["limits"]["memory"].removesuffix("M"))
            assert limit - offered_mb(service["command"]) == OWN_MB


@pytest.mark.parametrize("name", CONTAINERS)
def test_no_pod_runs_as_root_or_may_become_more_than_it_is(name: str) -> None:
    pod = MANIFESTS[name]["spec"]["template"]["spec"]
    context = CONTAINERS[name]["securityContext"]

    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["automountServiceAccountToken"] is False
    assert context["capabilities"] == {"drop": ["ALL"]}
    assert (context["allowPrivilegeEscalation"], context["readOnlyRootFilesystem"]) == (False, True)


REDIS = {
    "compose": COMPOSED["services"]["redis"]["command"],
    "kubernetes": CONTAINERS["StatefulSet handoff-redis"]["args"],
}


@pytest.mark.slow
@pytest.mark.parametrize("name", REDIS)
def test_redis_takes_its_settings_and_has_those_that_operators_are_told(name: str, tmp_path: Path) -> None:
    need_redis_server()
    program, *settings = [re.sub(r"\$[({].*", "secret", each) for each in REDIS[name]]
    assert program == "redis-server"
    with server_of(tmp_path, *settings) as server, redis.Redis("127.0.0.1", server.port, password="secret") as client:
        found: Any = client.config_get("*")

    told = re.findall(r"^\| `([a-z-]+) ([a-z0-9]+)` \|", (WORKERS / "README.md").read_text("utf-8"), re.MULTILINE)
    assert len(told) == 3
    assert told == [(setting, found[setting]) for setting, _ in told]


def test_the_image_holds_what_the_wheel_is_built_of() -> None:
    lines = (WORKERS / "Dockerfile").read_text(encoding="utf-8").splitlines()
    copied = {name for line in lines if line.startswith("COPY ") for name in line.split()[1:-1]}

    assert all((ROOT / name).exists() for name in copied)
    assert {"pyproject.toml", "README.md", "LICENSE", "handoff", "workers"} <= copied
