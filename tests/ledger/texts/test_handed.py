"""What anybody may publish in place of a function that is handed over is told from one."""

from __future__ import annotations

import pytest

from handoff.ledger.texts.handed import MARK, read_handed

FOUR = b"$1\r\n3\r\n$1\r\nb\r\n$1\r\n7\r\n$3\r\nj:2\r\n"


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"no reply",
        b"+OK\r\n",
        b"-ERR no\r\n",
        b"*0\r\n",
        b"*2\r\n$1\r\n3\r\n$1\r\nb\r\n",
        b"*4\r\n:3\r\n:4\r\n:5\r\n:6\r\n",
        b"*4\r\n" + FOUR[:-1],
        b"*4\r\n" + FOUR + b"+",
        b"*4\r\n" + FOUR.replace(b"3", b"x", 1),
        b"*5\r\n" + FOUR + b"$4\r\ndata\r\n",
        b"*4294967295\r\n" + FOUR,
        b"*1\r\n" * 1_000,
        b"%1\r\n*0\r\n:1\r\n",
    ],
)
def test_what_is_no_function_is_an_error_of_its_own(text: bytes) -> None:
    with pytest.raises(ValueError, match="handed over"):
        read_handed(MARK + text)


def test_a_job_of_which_nothing_is_left_is_handed_over_without_fields() -> None:
    handed = read_handed(MARK + b"*4\r\n" + FOUR)

    assert (handed.op, handed.incarnation, handed.epoch, handed.id, handed.job) == (3, "b", "7", b"j:2", [])
