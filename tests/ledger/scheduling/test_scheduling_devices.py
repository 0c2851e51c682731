"""Which devices, and which memory of them, are taken: pictures of a small cluster, see `support.picture`."""

from __future__ import annotations

import pytest

from support.picture import Board, Case, cases

DEVICES = """
several claims of memory share a device, and the fullest that still has so much is taken
    node a: gpu 2 of 24
    x: gpu_memory 10            -> a [x .]
    y: gpu_memory 16            -> a [x y]
    z: gpu_memory 8             -> a [x y+z]
    w: gpu_memory 14            -> a [x+w y+z]
    v: gpu_memory 1             -> a [x+w y+z]  waits v
    finish z                    -> a [x+w y+v]

of equally full devices the first is taken
    node a: gpu {1 3 5} of 24
    x y: gpu_memory 24          -> a [x y .]
    finish x
    z: gpu_memory 12            -> a [z y .]

of unlike devices the one with the least memory left over is taken
    node a: gpu 2 of 40/16
    x: gpu_memory 12            -> a [. x]
    y: gpu_memory 12            -> a [y x]
    z: gpu_memory 28            -> a [y+z x]
    w: gpu_memory 4             -> a [y+z x+w]

memory is never put together from two devices
    node a: gpu 2 of 24
    x: gpu_memory 25            -> a [. .]  never x
    y: gpu_memory 20            -> a [y .]  never x
    z: gpu_memory 20            -> a [y z]  never x
    # 4 are left on each
    w: gpu_memory 5             -> a [y z]  waits w  never x

a device that serves memory serves neither whole claims nor shares
    node a: gpu 1 of 24
    x: gpu_memory 1             -> a [x]
    y: gpu 1                    -> a [x]  waits y
    z: gpu 0.1                  -> a [x]  waits y z
    w: gpu_memory 23            -> a [x+w]  waits y z
    finish x                    -> a [w]  waits y z
    finish w                    -> a [y]  waits z
    finish y                    -> a [z]

a device that serves shares serves neither whole claims nor memory
    node a: gpu 1 of 24
    x: gpu 0.1                  -> a [x]
    y: gpu 1                    -> a [x]  waits y
    z: gpu_memory 1             -> a [x]  waits y z
    w: gpu 0.9                  -> a [x+w]  waits y z
    finish x                    -> a [w]  waits y z
    finish w                    -> a [y]  waits z
    finish y                    -> a [z]

a whole claim takes all of the memory of its devices
    node a: gpu 3 of 24
    x: gpu 2                    -> a [x x .]
    y: gpu_memory 24            -> a [x x y]
    z: gpu_memory 1             -> a [x x y]  waits z
    finish x                    -> a [z . y]

a whole claim takes untouched devices only, those with the lowest indices
    node a: gpu {0 1 3 7} of 24
    x: gpu_memory 6             -> a [x . . .]
    y: gpu 0.5                  -> a [x y . .]
    z: gpu 3                    -> a [x y . .]  waits z
    w: gpu 2                    -> a [x y w w]  waits z
    finish y                    -> a [x . w w]  waits z
    finish w                    -> a [x z z z]

a share takes the fullest device that still has room
    node a: gpu 2
    x: gpu 0.5                  -> a [x .]
    y: gpu 0.6                  -> a [x y]
    z: gpu 0.4                  -> a [x y+z]
    w: gpu 0.5                  -> a [x+w y+z]
    v: gpu 0.1                  -> a [x+w y+z]  waits v
    finish z                    -> a [x+w y+v]

gpu_memory that a node has without devices is a sum like any other
    node a: gpu_memory 6
    x: gpu_memory 4             -> a [x x x x . .]
    y: gpu_memory 2             -> a [x x x x y y]

other resources that are devices have memory too
    node a: fpga {2 4} of 8
    x: fpga_memory 5            -> a [x .]
    y: fpga_memory 3            -> a [x+y .]
    z: fpga 1                   -> a [x+y z]

a device that is registered with less memory takes no more until all that it holds fits again
    node a: gpu 1 of 24
    x y: gpu_memory 10          -> a [x+y]
    node a: gpu 1 of 12         -> a [x+y]
    z: gpu_memory 2             -> a [x+y]  waits z
    finish x                    -> a [y+z]

a claim through the tracker shares a device as a function does
    node a: gpu 2 of 24
    x: gpu_memory 20            -> a [x .]
    +1ms
    claim c on a: gpu_memory 4  -> a [x+c .]
    claim d on a: gpu 1         -> a [x+c d]
    y: gpu_memory 4             -> a [x+c d]  waits y
    release c                   -> a [x+y d]
"""


@pytest.mark.parametrize("case", cases(DEVICES))
def test_devices_and_their_memory(board: Board, case: Case) -> None:
    board.play(case)


def test_a_claim_of_memory_tells_its_device_and_is_counted_where_it_is_free(board: Board) -> None:
    board.do("static a: gpu {3 5} of 24", "x: gpu_memory 20")
    tracker = board.cluster.tracker

    claim = tracker.request("a", {"gpu_memory": 6})

    assert board.handles["x"].devices == {"gpu": [3]}
    assert claim.devices == {"gpu": [5]}
    assert tracker.capabilities("a") == {"gpu": 2, "gpu_memory": 48}
    assert tracker.available("a")["gpu_memory"] == 4 + 18
    assert tracker.available("a")["gpu"] == 0
