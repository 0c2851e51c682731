"""What `CUDA_VISIBLE_DEVICES` leaves of the gpus of a host, as CUDA reads it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

from handoff.words.capabilities import is_index

MASK_VARIABLE = "CUDA_VISIBLE_DEVICES"

_INDEX = re.compile(r"[0-9]{1,5}")
_NAME = re.compile(r"(?:GPU|MIG)-[0-9A-Za-z/-]+")


@dataclass(frozen=True, slots=True)
class Mask:
    """The devices that an agent may hand out, by the index that each has on its node, in the order of the mask.

    Where all entries are indices, those are the host's and the node's. Where one is a name (a UUID or the start of one,
    a MIG device), the first entry is device 0 of the node, and so on: what host index a name has, only a driver knows.
    """

    text: str
    entries: Mapping[int, str]

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Self | None:
        """Read it; None where nothing is hidden. The list ends at the first entry that is none, such as -1."""
        text = environ.get(MASK_VARIABLE)
        if text is None:
            return None
        entries: list[str] = []
        for entry in map(str.strip, text.split(",")):
            if not _NAME.fullmatch(entry) and not (_INDEX.fullmatch(entry) and is_index(int(entry))):
                break
            entries.append(entry)
        if all(map(_INDEX.fullmatch, entries)):
            return cls(text, {int(entry): str(int(entry)) for entry in entries})
        return cls(text, dict(enumerate(dict.fromkeys(entries))))


def visible(mask: Mask | None, devices: Iterable[int]) -> list[str]:
    """Name devices of a node as CUDA is told them; never one that the mask hides."""
    wanted = sorted(set(devices))
    if mask is None:
        return [str(index) for index in wanted]
    return [mask.entries[index] for index in wanted if index in mask.entries]
