"""The whole suite: subclass `TrackerConformance` and give it a fixture `tracker`, which is empty before each test.

Nothing here waits or looks at a clock, and only the protocol is used.
"""

from __future__ import annotations

from support.conformance.allocating import Allocating
from support.conformance.bookkeeping import Bookkeeping
from support.conformance.claiming import Claiming, Rounding
from support.conformance.device_choice import DeviceChoice
from support.conformance.device_memory import DeviceMemory
from support.conformance.labels import Labels
from support.conformance.registering import Registering, UnknownNodes
from support.conformance.reregistering import Reregistering
from support.conformance.several_costs import Variants
from support.conformance.strategies import Strategies


class TrackerConformance(
    Registering,
    UnknownNodes,
    Claiming,
    Rounding,
    DeviceChoice,
    DeviceMemory,
    Reregistering,
    Labels,
    Variants,
    Strategies,
    Allocating,
    Bookkeeping,
):
    """All of it."""
