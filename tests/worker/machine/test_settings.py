"""What a node's settings file may say, and how it is told that it may not."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from handoff_worker.machine.settings import NodeSettings, load

EXAMPLE = Path(__file__).parents[3] / "workers" / "node.example.toml"


def written(folder: Path, text: str) -> Path:
    path = folder / "node.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_an_empty_file_leaves_everything_open(tmp_path: Path) -> None:
    assert load(written(tmp_path, "")) == NodeSettings()


def test_every_key_arrives(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        """
        name = "gpu-1"
        cpu = 7.5
        memory = 16000
        gpu = [3, 0]
        slots = 4
        path = "/srv/app"
        url = "redis://localhost:6379/0"
        namespace = "lab"
        lease = 30
        grace = 0.5
        functions_per_child = 20
        log_size = 0
        allow = ["myapp.tasks", "myapp.reports:monthly"]
        preload = ["myapp.wsgi", "django:setup"]
        enforce = true
        enforce_cpu = true
        learn_ttl = 86400
        watch_external = true
        [resources]
        license = 2.5
        fpga = [0, 1]
        [device_memory]
        gpu = [24000, 40000.5]
        fpga = 64
        [labels]
        zone = "a"
        gpu_model = "A100 / H100"
        """,
    )

    assert load(path) == NodeSettings(
        name="gpu-1",
        cpu=7.5,
        memory=16000,
        gpu=(3, 0),
        slots=4,
        path=Path("/srv/app"),
        url="redis://localhost:6379/0",
        namespace="lab",
        lease=30,
        grace=0.5,
        functions_per_child=20,
        log_size=0,
        allow=("myapp.tasks", "myapp.reports:monthly"),
        preload=("myapp.wsgi", "django:setup"),
        enforce=True,
        enforce_cpu=True,
        learn_ttl=86400,
        watch_external=True,
        resources={"license": 2.5, "fpga": (0, 1)},
        device_memory={"gpu": (24000, 40000.5), "fpga": 64},
        labels={"zone": "a", "gpu_model": "A100 / H100"},
    )


def test_the_memory_of_gpus_that_are_still_to_be_found_is_taken_as_it_is(tmp_path: Path) -> None:
    assert load(written(tmp_path, "[device_memory]\ngpu = [24000, 40000]")).device_memory == {"gpu": (24000, 40000)}


def test_gpus_may_be_a_count(tmp_path: Path) -> None:
    assert load(written(tmp_path, "gpu = 2")).gpu == 2


def test_a_grace_may_have_no_end(tmp_path: Path) -> None:
    assert load(written(tmp_path, 'grace = "forever"')).grace == float("inf")


def test_without_any_grace_it_is_none_and_not_that_of_nobody(tmp_path: Path) -> None:
    assert load(written(tmp_path, "grace = 0")).grace == 0


def test_a_relative_path_starts_at_the_folder_of_the_file(tmp_path: Path) -> None:
    assert load(written(tmp_path, 'path = "app"')).path == tmp_path / "app"


@pytest.mark.parametrize(
    ("text", "key", "allowed"),
    [
        ("cpus = 4", "'cpus'", "the keys are name, cpu, memory, gpu, slots, path, url, namespace, lease, grace, "),
        ("cpus = 4", "'cpus'", "resources, device_memory, labels"),
        ("burst = true", "'burst'", "the keys are"),
        ("name = 7", "'name'", "a text"),
        ('name = ""', "'name'", "a text"),
        ('cpu = "4"', "'cpu'", "a number of cores"),
        ("cpu = true", "'cpu'", "a number of cores"),
        ("cpu = -1", "'cpu'", "at least 0"),
        ("memory = inf", "'memory'", "finite"),
        ("gpu = 1.5", "'gpu'", "a count"),
        ("gpu = true", "'gpu'", "a count"),
        ('gpu = ["0"]', "'gpu'", "a list of indices"),
        ("gpu = [0, 0]", "'gpu'", "distinct"),
        ("slots = 0", "'slots'", "1 or more"),
        ("slots = 2.0", "'slots'", "a whole number"),
        ('path = ["a"]', "'path'", "a folder"),
        ("url = 6379", "'url'", "an address"),
        ("namespace = []", "'namespace'", "a text"),
        *[
            (f"lease = {value}", "'lease'", "seconds from 0.5 to 3600")
            for value in ("0", "0.4", "3601", "nan", "inf", "true", '"15"', '"forever"', "[]", "1" + "0" * 400)
        ],
        *[
            (f"grace = {value}", "'grace'", "seconds from 0 to 86400, or 'forever'")
            for value in ("-1", "86401", "nan", "inf", "true", '"30"', '"Forever"', '""', "[]", "1" + "0" * 400)
        ],
        *(
            (f"allow = {value}", "'allow'", "it must be a list, each a module, such as myapp.tasks, or one callable")
            for value in ("[]", "'myapp'", "['myapp.*']", "[1]", "true")
        ),
        ("enforce = 1", "'enforce'", "true or false"),
        ("enforce_cpu = 1", "'enforce_cpu'", "true or false"),
        *[
            (f"learn_ttl = {value}", "'learn_ttl'", "a whole number of seconds, from 0 to 315360000")
            for value in ("-1", "315360001", "0.5", "true", "'30d'")
        ],
        ("watch_external = 'yes'", "'watch_external'", "true or false"),
        ("functions_per_child = 0", "'functions_per_child'", "1 or more"),
        ("functions_per_child = 2.0", "'functions_per_child'", "a whole number"),
        *[
            (f"log_size = {value}", "'log_size'", "kB, from 0 to 1024")
            for value in ("-1", "1025", "0.5", "true", "'64'")
        ],
        ("resources = 3", "'resources'", "a table"),
        ('[resources]\nfpga = "2"', "'fpga'", "a number or a list of device indices"),
        ("[resources]\nfpga = true", "'fpga'", "a number or a list of device indices"),
        ("[resources]\ncpu = 2", "'cpu'", "outside of any table"),
        ("[resources]\nslots = 2", "'slots'", "outside of any table"),
        ('[resources]\n"a b" = 2', "'a b'", "a name is a letter"),
        ("device_memory = 24000", "'device_memory'", "a table"),
        ('[device_memory]\ngpu = "24 GB"', "'gpu'", "a number of MB"),
        ("[device_memory]\ngpu = [24000, true]", "'gpu'", "a number of MB"),
        ("gpu = 2\n[device_memory]\ngpu = [24000]", "'gpu_memory'", "one amount for each of [0, 1]"),
        ("gpu = 2\n[device_memory]\ngpu = -1", "'gpu_memory'", "at least 0"),
        ("[device_memory]\nlicense = 5\n[resources]\nlicense = 1", "'license_memory'", "no devices called license"),
        ('labels = ["zone"]', "'labels'", "a table"),
        ("[labels]\nzone = 1", "'zone'", "1 to 63 ASCII letters"),
        ('[labels]\nzone = ""', "'zone'", "1 to 63 ASCII letters"),
        ('[labels]\n"a b" = "c"', "'a b'", "a label's name is a letter"),
        ('[labels]\nnode = "b"', "'node'", "every node has the label node by itself"),
    ],
)
def test_a_wrong_key_or_value_is_named_with_the_file_and_what_is_allowed(
    tmp_path: Path, text: str, key: str, allowed: str
) -> None:
    path = written(tmp_path, text)

    with pytest.raises(ValueError, match=re.escape(str(path))) as caught:
        load(path)

    assert key in str(caught.value)
    assert allowed in str(caught.value)


@pytest.mark.parametrize("content", [b"cpu: 4", b"cpu = 4\ncpu = 5", b"name = '\xff'"])
def test_a_file_that_is_not_toml_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "node.toml"
    path.write_bytes(content)

    with pytest.raises(ValueError, match=re.escape(f"{path} is not TOML")):
        load(path)


def test_a_file_that_is_not_there_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "node.toml")


def test_the_example_loads_as_it_stands() -> None:
    settings = load(EXAMPLE)

    assert settings == NodeSettings(cpu=6, memory=12000, gpu=0, resources={"specialized_hardware": 1})


def test_the_example_shows_every_key_and_each_line_that_it_comments_out_would_load(tmp_path: Path) -> None:
    text = EXAMPLE.read_text(encoding="utf-8").replace("\ngpu = 0\n", "\n")
    uncommented = re.sub(r"^# (?=\w+ = )", "", text, flags=re.MULTILINE)

    settings = load(written(tmp_path, uncommented))

    assert [field.name for field in fields(settings) if getattr(settings, field.name) is None] == []
    assert set(settings.resources) == {"specialized_hardware", "fpga"}
    assert settings.device_memory == {"gpu": 24000}
    assert settings.labels == {"zone": "a"}
