"""Defects in `handoff top`, and in the words that all screens share."""

from __future__ import annotations

from mutants.mutant import Mutant

ROWS = "handoff/top/rows.py"
TABLE = "handoff/top/table.py"
BARS = "handoff/top/bars.py"
WORDING = "handoff/view/wording.py"
FULLNESS = "handoff/view/fullness.py"
SLOWEST = "handoff/view/slowest.py"
DRAWN = "tests/top/test_top_drawn.py"
PAGES = "tests/top/test_top_pages.py"
AWAY = "tests/top/test_top_away.py"
WORDS = "tests/view/test_wording.py"
FULL = "tests/view/test_fullness.py"

MUTANTS = (
    Mutant(
        "top-chosen",
        "the row that is chosen becomes another when others come",
        ROWS,
        "kept = places.get(before.key, self._place) if before else 0",
        "kept = self._place if before else 0",
        (f"{PAGES}::TestLists::test_the_row_that_is_chosen_stays_chosen_while_others_come",),
    ),
    Mutant(
        "top-end",
        "keys choose a row that there is not",
        ROWS,
        "max(0, min(self._place + by, len(self._rows) - 1))",
        "max(0, self._place + by)",
        (f"{PAGES}::TestLists::test_keys_choose_a_row",),
    ),
    Mutant(
        "top-escape",
        "what somebody has written moves the cursor",
        TABLE,
        'char if char.isprintable() else " "',
        "char",
        (f"{DRAWN}::test_what_is_somebody_elses_is_one_line_without_what_a_terminal_acts_on",),
    ),
    Mutant(
        "top-case",
        "a filter finds only what is written as it is",
        TABLE,
        "wanted in told.casefold()",
        "wanted in told",
        (f"{DRAWN}::test_a_row_is_found_by_what_it_says_whatever_the_case_and_by_its_key",),
    ),
    Mutant(
        "top-widest",
        "not the widest column is cut",
        TABLE,
        "widths[max(spare)[1]] -= 1",
        "widths[min(spare)[1]] -= 1",
        (f"{DRAWN}::test_the_widest_column_that_may_be_cut_gives_way",),
    ),
    Mutant(
        "top-share",
        "who wants most lines gets all",
        TABLE,
        "given[min(short)[1]] += 1",
        "given[max(short)[1]] += 1",
        (f"{DRAWN}::test_room_is_shared_alike_and_nobody_gets_more_than_he_wants",),
    ),
    Mutant(
        "top-full",
        "what is nearly full looks full",
        BARS,
        "int(part * width * 8 + 1e-9)",
        "round(part * width * 8)",
        (f"{DRAWN}::test_only_what_is_full_looks_full_and_what_is_in_use_at_all_is_seen",),
    ),
    Mutant(
        "top-sizes",
        "a device with memory looks full whatever is used of it",
        BARS,
        "float(sizes[index]) if sizes else 1.0",
        "1.0",
        (f"{DRAWN}::test_each_device_is_as_high_as_it_is_used",),
    ),
    Mutant(
        "top-enter",
        "Enter is taken for a yes",
        "handoff/top/pages/asking.py",
        'Binding("y", "answer(True)", "yes")',
        'Binding("y,enter", "answer(True)", "yes")',
        ("tests/top/test_top_actions.py::TestNotDone::test_enter_is_not_taken_for_a_yes",),
    ),
    Mutant(
        "top-no",
        "whoever says no has it done",
        "handoff/top/app.py",
        "lambda does: self._do(asked) if does else None",
        "lambda does: self._do(asked)",
        ("tests/top/test_top_actions.py::TestNotDone::test_whoever_says_no_has_nothing_done",),
    ),
    Mutant(
        "top-away",
        "a Redis that is away ends it",
        "handoff/top/watching.py",
        "            return Unseen(str(error), is_away=isinstance(error, StoreUnavailable))\n",
        "            return Broken(error)\n",
        (f"{AWAY}::test_a_redis_that_is_away_is_told_and_what_was_seen_stays",),
    ),
    Mutant(
        "top-defect",
        "a defect is shown as what was for ever",
        "handoff/top/watching.py",
        "            return Broken(error)\n",
        "            return Unseen(str(error), is_away=False)\n",
        (f"{AWAY}::test_a_defect_ends_it_instead_of_showing_what_was",),
    ),
    Mutant(
        "word-compact",
        "an amount takes a place more",
        WORDING,
        "if part >= 10 else",
        "if part >= 100 else",
        (f"{WORDS}::test_an_amount_takes_five_places_at_most",),
    ),
    Mutant(
        "word-rate",
        "rates lose what they have after the point",
        WORDING,
        "return number(round(value, 1)) if value < 100 else",
        "return number(round(value, 1)) if value < 10 else",
        (f"{WORDS}::test_rates_have_no_more_digits_than_tell_something",),
    ),
    Mutant(
        "word-short-id",
        "an id that somebody gave is shortened",
        WORDING,
        "if len(id) > 20 and all(",
        "if len(id) > 8 and all(",
        (f"{WORDS}::test_only_an_id_that_nobody_gave_is_shortened",),
    ),
    Mutant(
        "word-plural",
        "of one it is told as of many",
        WORDING,
        "noun if count == 1 else",
        "noun if count <= 1 else",
        (f"{WORDS}::test_one_is_no_plural",),
    ),
    Mutant(
        "word-seconds",
        "what is short is told as nothing",
        WORDING,
        "if value < 1 else span(value)",
        "if value < 0 else span(value)",
        (f"{WORDS}::test_what_is_short_is_told_in_milliseconds",),
    ),
    Mutant(
        "full-largest",
        "a node is as full as the emptiest that it has",
        FULLNESS,
        "return max((_part",
        "return min((_part",
        (f"{FULL}::test_a_node_is_as_full_as_the_fullest_of_what_it_has[fake]",),
    ),
    Mutant(
        "full-of-nothing",
        "what is held of nothing is not seen",
        FULLNESS,
        "return 1.0 if used else 0.0",
        "return 0.0",
        (f"{FULL}::test_a_node_that_has_less_than_is_held_of_it_is_more_than_full[real]",),
    ),
    Mutant(
        "urgency-idle",
        "idle nodes stand in front of full ones",
        FULLNESS,
        'return state == "up", -full',
        'return state == "up", full',
        (f"{FULL}::test_what_is_not_up_is_looked_at_first_and_then_what_is_full",),
    ),
    Mutant(
        "slowest-first",
        "what has just begun is told to run longest",
        SLOWEST,
        "-(row.duration_s or 0.0)",
        "(row.duration_s or 0.0)",
        ("tests/view/test_slowest.py::TestRunning::test_those_that_run_longest_come_first_whatever_their_node",),
    ),
    Mutant(
        "slowest-old",
        "what ended long ago is told to have ended lately",
        SLOWEST,
        " and span.end_ms >= since_ms]",
        "]",
        ("tests/view/test_slowest.py::test_of_what_ended_lately_what_took_longest_comes_first",),
    ),
)
