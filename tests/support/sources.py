"""Source for the demo to look at."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

from handoff.demo import analysis
from handoff.demo.analysis import Module
from handoff.demo.fingerprints import pack


def write(directory: Path, files: dict[str, str]) -> list[str]:
    for name, text in files.items():
        file = directory / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(text), encoding="utf-8")
    return [str(directory / name) for name in files]


def long_source(seed: int, functions: int = 40) -> str:
    """Source whose structure differs from seed to seed."""
    used = [f"each.part_{seed}_{number}(value).of_{seed}_{number % 7}" for number in range(functions)]
    return "\n".join(f"def f{number}(each, value):\n    return {text}" for number, text in enumerate(used))


def one_module(tmp_path: Path, text: str) -> Module:
    (module,) = analysis.analyze(write(tmp_path, {"module.py": text}))["modules"]
    return module


def module(path: str, fingerprints: range = range(0)) -> Module:
    return Module(
        path=path,
        lines=0,
        code_lines=0,
        functions=0,
        classes=0,
        complexity=0,
        fingerprints=pack(fingerprints),
    )
