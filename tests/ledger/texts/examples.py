"""Examples of every text format: what is said, and how. Plain data, for Python and Lua alike."""

from __future__ import annotations

from typing import Any

LARGE = 10**15
"""An amount that loses digits where a number is written carelessly."""

RANK = 1000 * 2**41 + 7

RUN = "0123456789abcdef0123456789abcdef"

_KIND = {"demand": "cpu=10000", "options": "wait=5000", "preferred": "a", "refuse": 1, "delay_ms": 5, "due_ms": 7}
"""What functions that are submitted together have in common."""

EXAMPLES: dict[str, list[tuple[Any, Any]]] = {
    # resource -> units
    "cost": [
        ({}, ""),
        ({"cpu": 20000}, "cpu=20000"),
        ({"cpu": 20000, "gpu": 5000}, "cpu=20000,gpu=5000"),
        ({"_": 1, "a.b-c": 2, "gpu_memory": LARGE}, "_=1,a.b-c=2,gpu_memory=1000000000000000"),
        ({f"run.{RUN}": 10000}, f"run.{RUN}=10000"),
    ],
    # label -> value
    "labels": [
        ({}, ""),
        ({"tier": "spot", "zone": "a"}, "tier=spot;zone=a"),
        ({"gpu_model": "NVIDIA A100 (80GB)", "zone": "eu:1/a"}, "gpu_model=NVIDIA A100 (80GB);zone=eu:1/a"),
    ],
    # [label, [value, ...], whether negated], ...
    "terms": [
        ([], ""),
        ([["node", ["a"], False], ["tier", ["spot"], True]], "node=a;tier!=spot"),
        ([["node", ["12@34.5-x"], False]], "node=12@34.5-x"),
        ([["Rack", ["1"], False], ["zone", ["a", "b"], True]], "Rack=1;zone!=a|b"),
        ([["zone", ["eu:1/a", "us+2"], False]], "zone=eu:1/a|us+2"),
        # What a group needs stands behind all others.
        ([["zone", ["a"], False], ["^", ["cpu:40000", "slots:20000"], False]], "zone=a;^=cpu:40000|slots:20000"),
    ],
    # resource -> units
    "terms.capacity": [
        ({"slots": 20000}, "^=slots:20000"),
        ({"cpu": 40000, "gpu_memory": LARGE}, "^=cpu:40000|gpu_memory:1000000000000000"),
    ],
    # cost, terms
    "shape": [
        ({"cost": {}, "terms": []}, ""),
        ({"cost": {"slots": 10000}, "terms": []}, "slots=10000"),
        (
            {"cost": {"cpu": 20000, "slots": 10000}, "terms": [["node", ["a@b"], False], ["tier", ["spot"], True]]},
            "cpu=20000,slots=10000@node=a@b;tier!=spot",
        ),
    ],
    # [ms, cost], ...; terms
    "demand": [
        ({"variants": [[0, {"slots": 10000}]], "terms": []}, "slots=10000"),
        (
            {"variants": [[0, {"gpu": 10000, "slots": 10000}], [30000, {"cpu": 80000, "slots": 10000}]], "terms": []},
            "gpu=10000,slots=10000&30000:cpu=80000,slots=10000",
        ),
        (
            {
                "variants": [[500, {"gpu_memory": 60000000, "slots": 10000}], [0, {"slots": 10000}]],
                "terms": [["zone", ["a", "eu:1/b"], False]],
            },
            "500:gpu_memory=60000000,slots=10000@zone=a|eu:1/b&slots=10000@zone=a|eu:1/b",
        ),
        ({"variants": [[1000000000000, {"slots": 10000}]], "terms": []}, "1000000000000:slots=10000"),
    ],
    # cost, ...: of which the first that fits is taken
    "demand.costs": [
        ([{"cpu": 10000}], "cpu=10000"),
        ([{"gpu": 10000}, {}, {"cpu": 80000}], "gpu=10000&&cpu=80000"),
    ],
    # [resource, index, units, whether of memory], ...
    "devices": [
        ([], ""),
        (
            [["gpu", 0, 10000, False], ["gpu", 1, 10000, False], ["fpga", 3, 2500, False]],
            "gpu:0=10000,1=10000;fpga:3=2500",
        ),
        ([["gpu", 10, 10000, False], ["gpu", 9, 10000, False]], "gpu:10=10000,9=10000"),
        ([["gpu", 2, 60000000, True]], "gpu:2=60000000m"),
        ([["gpu", 2, LARGE, True], ["fpga", 0, 10000, False]], "gpu:2=1000000000000000m;fpga:0=10000"),
    ],
    # resource -> [index, memory or None], ...
    "offered_devices": [
        ({}, ""),
        ({"fpga": [[3, None]], "gpu": [[0, None], [1, None]]}, "fpga:3;gpu:0,1"),
        ({"fpga": [[3, None]], "gpu": [[0, 240000000], [1, LARGE]]}, "fpga:3;gpu:0/240000000,1/1000000000000000"),
    ],
    # [index, free share, free memory or None, all memory or None], ...
    "device_field": [
        ([], ""),
        ([[0, 10000, None, None], [3, 2500, None, None]], "0=10000,3=2500"),
        ([[0, 10000, 60000000, 240000000]], "0=10000/60000000/240000000"),
        ([[0, -10000, -60000000, LARGE]], "0=-10000/-60000000/1000000000000000"),
    ],
    # kind, resource
    "node_field": [
        (["cap", "cpu"], "cap:cpu"),
        (["used", f"run.{RUN}"], f"used:run.{RUN}"),
        (["dev", "gpu"], "dev:gpu"),
    ],
    # resource, part or None
    "index_name": [
        (["cpu", None], "cpu"),
        (["gpu", "idle"], "gpu#idle"),
        (["gpu", "share"], "gpu#share"),
        (["gpu", "memory"], "gpu#memory"),
        (["cpu", "sum"], "cpu#sum"),
    ],
    # index name -> value, label -> value
    "node_class": [
        ({"values": {}, "labels": {}}, "@"),
        (
            {"values": {"cpu": 80000, "gpu#idle": 2, "gpu#memory": LARGE}, "labels": {"owner": "a@b", "zone": "a"}},
            "cpu=80000,gpu#idle=2,gpu#memory=1000000000000000@owner=a@b;zone=a",
        ),
    ],
    # job, number of the placement
    "reservation.id": [(["job-1_x", 12], "job-1_x:12"), ([f"{RUN}-3", 10**14 + 1], f"{RUN}-3:100000000000001")],
    # epoch, since, cost, devices as text, cost of what is shared
    "reservation.record": [
        (
            {
                "epoch": "1700000000000",
                "since": 1700000000001,
                "cost": {"cpu": 20000, "slots": 10000},
                "devices": "",
                "shared": {},
            },
            "1700000000000|1700000000001|cpu=20000,slots=10000||",
        ),
        (
            {
                "epoch": "0",
                "since": 5,
                "cost": {"gpu": 20000, "slots": 10000},
                "devices": "gpu:0=10000,3=10000",
                "shared": {"license": 10000, f"run.{RUN}": 10000},
            },
            f"0|5|gpu=20000,slots=10000|gpu:0=10000,3=10000|license=10000,run.{RUN}=10000",
        ),
    ],
    # rank, job, families
    "hold": [
        ({"rank": RANK, "job": "j", "lacks": ["cpu"]}, f"{RANK}|j|cpu"),
        ({"rank": 1, "job": f"{RUN}-3", "lacks": ["cpu", "gpu", "license"]}, f"1|{RUN}-3|cpu,gpu,license"),
    ],
    # of texts that are not compressed
    "zipped": [
        ("a", "eAEBAQD+/2EAYgBi"),
        ("handoff.Poisoned: é\n", "eAEBFQDq/2hhbmRvZmYuUG9pc29uZWQ6IMOpClmeCBY="),
    ],
    # when, node, of what: of several
    "death": [
        (
            [["2026-01-31T12:00:00.000000Z", "a", "the node was lost"]],
            "2026-01-31T12:00:00.000000Z a the node was lost",
        ),
        ([["1", "a", "of one"], ["2", "b@c", "of  another: 9"]], "1 a of one\n2 b@c of  another: 9"),
    ],
    # until when, in which epoch
    "ready": [
        ([1700000000000, "17"], "1700000000000 17"),
        ([1, "0"], "1 0"),
    ],
    # number of the call, incarnation, epoch, reservation, the job's hash
    "handed": [
        (
            ["3", "1f0d", "17", "j:2", ["data", "a:1 b", "h_devices", ""]],
            "handoff-start *8\r\n$1\r\n3\r\n$4\r\n1f0d\r\n$2\r\n17\r\n$3\r\nj:2\r\n"
            "$4\r\ndata\r\n$5\r\na:1 b\r\n$9\r\nh_devices\r\n$0\r\n\r\n",
        ),
    ],
    # since, names of functions
    "cordoned": [
        ([17, ["m:f", "m:g"]], "17 2 different functions died there within 10 minutes: m:f, m:g"),
    ],
    # name -> value
    "options": [
        ({}, ""),
        ({"unfit": 60000, "wait": 5000}, "unfit=60000;wait=5000"),
        ({"isolation": "fresh"}, "isolation=fresh"),
        ({"loss": "fail"}, "loss=fail"),
        ({"exceeded": "grow"}, "exceeded=grow"),
        ({"unique": 0}, "unique=0"),
        ({"depends": 0}, "depends=0"),
        ({"depends": 1}, "depends=1"),
        ({"unique": 60000}, "unique=60000"),
        (
            {"strategy": "load_balanced", "delay": 1500, "due": 1700000000000, "prefer": "12@34.5-x"},
            "strategy=load_balanced;delay=1500;due=1700000000000;prefer=12@34.5-x",
        ),
        (
            {"only": ["OSError", "m.Outer.Error"], "never": ["m.f.<locals>.Own"], "after": [0, 1500]},
            "only=OSError,m.Outer.Error;never=m.f.<locals>.Own;after=0,1500",
        ),
    ],
    # node, [of (node, shared, group), resource, wanted, there] or [label, name, values, whether negated, there], ...,
    # then [unknown or unknown_label, name, names], ...; node that is away, since when it is lost, None of a drained one
    "shortfall": [
        ({"node": "", "items": [], "away": "", "since": None}, ""),
        ({"node": "", "items": [], "away": "b", "since": None}, "|^b"),
        ({"node": "", "items": [], "away": "b", "since": 1700000000123}, "|^b^1700000000123"),
        ({"node": "a", "items": [], "away": "", "since": None}, "a|"),
        (
            {
                "node": "a",
                "items": [
                    ["node", "gpus", 10000, 0],
                    ["unknown", "gpus", ["cpu", "gpu"]],
                    ["unknown_label", "zoen", ["zone"]],
                ],
                "away": "b",
                "since": None,
            },
            "a|gpus~10000~0|?gpus~cpu,gpu|?@zoen~zone|^b",
        ),
        (
            {"node": "a", "items": [["node", "gpu", 40000, 20000]], "away": "b@c", "since": None},
            "a|gpu~40000~20000|^b@c",
        ),
        (
            {
                "node": "a",
                "items": [
                    ["shared", "license", 50000, 20000],
                    ["group", "cpu", LARGE, 0],
                    ["label", "zone", ["b", "eu:1/c"], False, "a"],
                    ["label", "tier", ["spot"], True, "spot"],
                    ["label", "rack", ["1"], False, ""],
                ],
                "away": "",
                "since": None,
            },
            "a|*license~50000~20000|^cpu~1000000000000000~0|@zone~b,eu:1/c~a|@tier~!spot~spot|@rack~1~",
        ),
    ],
    # run, number
    "run_id.job": [([RUN, 1], f"{RUN}-1"), (["a-b", 1000000], "a-b-1000000")],
    # run
    "run_id.token": [(RUN, f"run.{RUN}")],
    # group, kind
    "group_field": [([1, "chooser"], "1|chooser"), ([23, "chooser"], "23|chooser")],
    "number_list": [([], ""), ([1], "1"), ([3, 1, 30], "3,1,30")],
    "list": [([], ""), (["a"], "a"), (["a", "12@34.5-x"], "a,12@34.5-x")],
    # [kind, number, [value, ...]], ... and all of it, one behind the other
    "entries": [
        ([], []),
        (
            [["run", 0, ["total", "2"]], ["next", 0, ["1,2"]], ["takes", 2, []]],
            ["run", "0", "2", "total", "2", "next", "0", "1", "1,2", "takes", "2", "0"],
        ),
    ],
    # of each its kind by name, its id, and its own fields; and all of it, one behind the other
    "submission": [
        (
            [
                {"kind": {"priority": -1, "fields": ["timeout", "5"], **_KIND}, "id": "j", "own": {"data": "d"}},
                {"kind": {"priority": 0, "fields": [], **_KIND}, "id": "k", "own": {}},
                {"kind": {"priority": -1, "fields": ["timeout", "5"], **_KIND}, "id": "l", "own": {"data": "e"}},
            ],
            [
                "2",
                "11",
                "cpu=10000",
                "wait=5000",
                "-1",
                "a",
                "1",
                "5",
                "7",
                "1",
                "data",
                "timeout",
                "5",
                "8",
                "cpu=10000",
                "wait=5000",
                "0",
                "a",
                "1",
                "5",
                "7",
                "0",
                "1",
                "j",
                "d",
                "2",
                "k",
                "1",
                "l",
                "e",
            ],
        ),
    ],
    # by name, and the nine values
    "result": [
        (
            {
                "id": "j:1",
                "kind": "finished",
                "body": "gA==",
                "error": "",
                "message": "",
                "is_retryable": False,
                "jitter": 1.0,
                "forms": ["AQ==", "Ag=="],
                "usage": "41,1200,2500",
            },
            ["j:1", "finished", "gA==", "", "", "0", "1.000", "AQ==,Ag==", "41,1200,2500"],
        ),
        (
            {
                "id": "j:2",
                "kind": "failed",
                "body": "eJw=",
                "error": "ValueError",
                "message": "a, b | c",
                "is_retryable": True,
                "jitter": 0.875,
                "forms": [],
                "usage": "",
            },
            ["j:2", "failed", "eJw=", "ValueError", "a, b | c", "1", "0.875", "", ""],
        ),
    ],
    # MB, seconds of processors, seconds, MB of gpus
    "usage": [
        ([41, 0.0012, 0.0025, None], "41,1200,2500"),
        ([None, None, 3600.5, None], ",,3600500000"),
        ([900, None, None, None], "900,,"),
        ([None, 0.0, None, 8000], ",0,,8000"),
    ],
    # host, process, when it began, machine
    "holder": [
        (["host", 4711, "1700000000.25", "here"], "host 4711 1700000000.25 here"),
        (["host", 1, "1", "a host/17"], "host 1 1 a host/17"),
    ],
    # node, cause, seconds
    "loss": [
        (["12@34.5-x", "", ""], "12@34.5-x"),
        (["b", "drained", ""], "b drained"),
        (["b", "grace", "0.5"], "b grace 0.5"),
    ],
    "number": [
        (0, "0"),
        (LARGE, "1000000000000000"),
        (10**17, str(10**17)),
        (RANK, str(RANK)),
        (-LARGE, "-1000000000000000"),
    ],
    # the devices of a resource, and their memory
    "resource.memory": [("gpu", "gpu_memory"), ("a_memory", "a_memory_memory")],
    # kind, of whom, number of the variant or None
    "timer": [
        (["expire", "job-1_x", None], "expire|job-1_x"),
        (["drain", "12@34.5-x", None], "drain|12@34.5-x"),
        (["after", f"{RUN}-3", 2], f"after|2|{RUN}-3"),
    ],
    # kind, run or node, number
    "leftover": [(["cancel", RUN, "0"], f"cancel|{RUN}|0"), (["lost", "12@34.5-x", "17"], "lost|12@34.5-x|17")],
    # SSCAN's cursor, how many of its page are done
    "cursor": [(["0", 0], "0|0"), (["18446744073709551615", 512], "18446744073709551615|512")],
    "note": [
        (
            {
                "job": f"{RUN}-3",
                "since": 1700000000001,
                "place": RANK,
                "gone": 0,
                "looked": LARGE,
                "late": 1,
                "counters": "",
            },
            f"{RUN}-3|1700000000001|{RANK}|0|1000000000000000|1|",
        ),
        (
            {"job": "j", "since": 0, "place": 1, "gone": 2, "looked": 3, "late": 4, "counters": "cpu=3,gpu=12"},
            "j|0|1|2|3|4|cpu=3,gpu=12",
        ),
    ],
    # the calls that submitted and canceled it, node, devices
    # id, kind, number, value
    "told": [
        (["j:1", "progress", 0.25, "epoch 1"], ["j:1", "progress", "0.25", "epoch 1"]),
        (["j:1", "output", 12, "hello"], ["j:1", "output", "12", "hello"]),
        (["j:1", "kept", 3, ""], ["j:1", "kept", "3", ""]),
    ],
    # placement, number
    "told_id": [([12, 34], "12-34"), ([LARGE, 1], "1000000000000000-1")],
    # attempt, when, how far, what it says
    "progress": [
        ([1, 1_900_000_000_000, 0.25, "epoch 3"], "1|1900000000000|0.25|epoch 3"),
        ([12, 1, 1.0, "a|b"], "12|1|1.0|a|b"),
        ([2, 1, 0.0, ""], "2|1|0.0|"),
    ],
    "word": [
        (["", "", "", ""], "|||"),
        (
            ["0f", "1e", "12@34.5-x", "gpu:0=10000,1=10000;fpga:3=2500"],
            "0f|1e|12@34.5-x|gpu:0=10000,1=10000;fpga:3=2500",
        ),
    ],
    # number, what the nearest node lacks
    "run_word.refused": [
        (["3", ""], "refused|3|"),
        (["12", "a|gpu~40000~20000|^b"], "refused|12|a|gpu~40000~20000|^b"),
    ],
    # number, pin, [resource, units, ...]
    "run_word.short": [
        (["2", "", ["cpu", "20000"]], "short|2||cpu=20000"),
        (["2", "a@b", ["cpu", str(LARGE), "gpu", "1"]], "short|2|a@b|cpu=1000000000000000,gpu=1"),
    ],
}
