"""Defects in the dashboard: who may do what, what pages show, and how often it is read."""

from __future__ import annotations

from mutants.mutant import Mutant

ACTIONS = "handoff/dashboard/actions.py"
SAFETY = "handoff/dashboard/safety.py"
CONTENT = "handoff/dashboard/content.py"
LIVE = "handoff/dashboard/live.py"
RENDERING = "handoff/dashboard/rendering.py"
LOOKS = "handoff/view/looks.py"
DOES = "tests/dashboard/test_actions.py"
SAFE = "tests/dashboard/test_safety.py"
PAGES = "tests/dashboard/test_pages.py"
SENT = "tests/dashboard/test_live.py"
COLOURS = "tests/dashboard/test_colours.py"
WAY = "tests/dashboard/test_timeline.py"
STREAM = "tests/dashboard/test_stream.py"
LOOKED = "tests/view/test_looks.py"
ELSEWHERE = f"{DOES}::test_what_no_page_of_this_site_asks_for_is_not_done"

MUTANTS = (
    Mutant(
        "dash-origin",
        "a page of another site can have something done",
        ACTIONS,
        "        if not comes_from_here(request.scope):",
        "        if False:",
        (ELSEWHERE,),
    ),
    Mutant(
        "dash-same-site",
        "a neighbour of the site can have something done",
        SAFETY,
        'return site == "same-origin"',
        'return site != "cross-site"',
        (ELSEWHERE,),
    ),
    Mutant(
        "dash-old-origin",
        "an older browser has something done for any site",
        SAFETY,
        'return bool(origin and host) and urlsplit(origin or "").netloc.lower() == (host or "").lower()',
        "return bool(origin and host)",
        (ELSEWHERE,),
    ),
    Mutant(
        "dash-nameless",
        "who says nothing of where he comes from has something done",
        SAFETY,
        "return bool(origin and host) and urlsplit",
        "return not origin or urlsplit",
        (ELSEWHERE,),
    ),
    Mutant(
        "dash-write",
        "whoever may only look has something done",
        "handoff/dashboard/application.py",
        "Actions(sight, rendering) if write else None",
        "Actions(sight, rendering)",
        (f"{PAGES}::test_one_who_only_looks_is_offered_no_action",),
    ),
    Mutant(
        "dash-escape",
        "what somebody has written is markup",
        RENDERING,
        "autoescape=True",
        "autoescape=False",
        (f"{PAGES}::test_every_page_opens_and_shows_nothing_that_somebody_wrote_as_markup",),
    ),
    Mutant(
        "dash-notice",
        "an address says on a page whatever it likes",
        ACTIONS,
        'NOTICES.get(query.get("notice", ""), "")',
        'NOTICES.get(query.get("notice", ""), query.get("notice", ""))',
        (f"{DOES}::test_an_address_says_nothing_of_its_own",),
    ),
    Mutant(
        "dash-form",
        "a form of any size is read into memory",
        ACTIONS,
        "if len(body) > LARGEST_FORM:",
        "if False:",
        (f"{DOES}::test_of_a_form_that_is_too_large_nothing_is_read",),
    ),
    Mutant(
        "dash-matching",
        "what failed otherwise is deleted too",
        ACTIONS,
        'if (row.error or "unknown") == given["error"] and row.name',
        "if row.name",
        (f"{DOES}::test_what_failed_otherwise_stays",),
    ),
    Mutant(
        "dash-forget",
        "who has done something is shown what was before",
        ACTIONS,
        "            self._sight.looks.forget()\n",
        "            pass\n",
        (f"{DOES}::test_what_was_done_is_seen_by_whoever_looks_next",),
    ),
    Mutant(
        "dash-refused",
        "who is refused with False is let in",
        SAFETY,
        "        if identity:\n",
        "        if identity is not None:\n",
        (f"{SAFE}::test_who_is_let_in_may_be_told_by_what_awaits",),
    ),
    Mutant(
        "dash-user",
        "anybody is let in who knows the password",
        SAFETY,
        "colon and is_user and is_password",
        "colon and is_password",
        (f"{SAFE}::test_no_other_word_opens_it",),
    ),
    Mutant(
        "dash-host",
        "on loopback it is known by any name",
        SAFETY,
        "if self._hosts is not None and host not in self._hosts:",
        "if False:",
        (f"{SAFE}::test_on_loopback_it_is_known_by_names_of_this_machine_alone",),
    ),
    Mutant(
        "dash-host-capitals",
        "a name that is written in capitals is never the one that is asked for",
        SAFETY,
        "frozenset(name.lower() for name in hosts)",
        "frozenset(hosts)",
        (f"{SAFE}::test_a_name_under_which_it_is_known_may_be_written_in_capitals",),
    ),
    Mutant(
        "dash-headers",
        "answers are kept by whoever likes",
        SAFETY,
        '                headers.setdefault("Cache-Control", "no-store")\n',
        "",
        (f"{SAFE}::test_answers_are_kept_by_nobody_and_framed_by_nobody",),
    ),
    Mutant(
        "dash-parts-frame",
        "parts are sent of a page that has become another",
        CONTENT,
        "if self.pieces[::2] != before.pieces[::2]:",
        "if len(self.pieces) != len(before.pieces):",
        ("tests/dashboard/test_content.py::test_where_anything_else_has_changed_no_parts_tell_of_it",),
    ),
    Mutant(
        "dash-parts-all",
        "parts that have not changed are sent too",
        CONTENT,
        "if self.pieces[i] != before.pieces[i]]",
        "if self.pieces]",
        ("tests/dashboard/test_content.py::test_only_parts_that_are_not_what_they_were_are_told_each_by_its_id",),
    ),
    Mutant(
        "dash-live-same",
        "what has not changed is sent again and again",
        LIVE,
        "        if now != sent:\n",
        "        if True:\n",
        (f"{SENT}::test_while_nothing_changes_something_is_sent_that_means_nothing",),
    ),
    Mutant(
        "dash-live-parts",
        "of what has changed all is sent each time",
        LIVE,
        'yield event("page", now.html) if parts is None else event("parts", parts)',
        'yield event("page", now.html)',
        (f"{SENT}::test_all_is_sent_first_and_then_the_parts_that_have_changed",),
    ),
    Mutant(
        "dash-live-lines",
        "a line of a page is taken for an event",
        LIVE,
        '"".join(f"data: {line}\\n" for line in data.splitlines())',
        'f"data: {data}\\n"',
        (f"{SENT}::test_no_line_of_what_is_sent_is_taken_for_another_event",),
    ),
    Mutant(
        "dash-live-end",
        "a page is kept current for ever",
        LIVE,
        "while time.monotonic() < until_s:",
        "while True:",
        (f"{SENT}::test_it_ends_after_a_while_for_the_browser_to_come_again",),
    ),
    Mutant(
        "dash-page-shared",
        "each viewer has the same page made for himself",
        RENDERING,
        'return self._sight.share(("page", page.name, asked), lambda: self._content(page, asked))',
        "return self._content(page, asked)",
        (f"{PAGES}::test_a_page_is_made_once_for_all_that_look_at_it",),
    ),
    Mutant(
        "dash-page-other",
        "who asks for one page is shown another",
        RENDERING,
        '("page", page.name, asked)',
        '("page", page.section)',
        (f"{PAGES}::test_functions_are_filtered_by_state_and_by_text",),
    ),
    Mutant(
        "dash-read-each",
        "each viewer has everything read for himself",
        LOOKS,
        "if begun_s >= look.until_s:",
        "if True:",
        (f"{LOOKED}::test_who_comes_while_it_is_read_is_given_the_same",),
    ),
    Mutant(
        "dash-read-always",
        "what takes long is read all the time",
        LOOKS,
        "ended_s + TIMES * took_s)",
        "ended_s)",
        (f"{LOOKED}::test_what_takes_long_is_read_a_fifth_of_the_time_at_most",),
    ),
    Mutant(
        "dash-kept",
        "all that anybody ever looked at is kept",
        LOOKS,
        "                self._looks.popitem(last=False)\n",
        "                break\n",
        (f"{LOOKED}::test_however_many_things_are_looked_at_few_are_kept",),
    ),
    Mutant(
        "dash-error-kept",
        "what could not be read once is taken for that ever after",
        LOOKS,
        "                look.value = look.error = None\n",
        "",
        (f"{LOOKED}::test_what_could_not_be_read_is_read_again_soon_however_long_that_took",),
    ),
    Mutant(
        "dash-colours",
        "a function is drawn in no colour",
        "handoff/dashboard/drawing/colours.py",
        "COUNT = 12",
        "COUNT = 13",
        (f"{COLOURS}::test_every_colour_of_a_function_has_its_class",),
    ),
    Mutant(
        "dash-ends",
        "attempts that were stopped are not counted",
        "handoff/dashboard/pages/tasks.py",
        '"ends": ENDS,',
        '"ends": tuple(end for end in ENDS if end != "stopped"),',
        (f"{STREAM}::test_what_came_of_attempts_knows_every_end_also_that_one_was_stopped",),
    ),
    Mutant(
        "dash-way-shut",
        "who waited for a node that took nothing is told that it was full",
        "handoff/dashboard/pages/timeline.py",
        "if pin in shut else",
        "if not shut else",
        (f"{WAY}::test_who_waited_for_a_node_that_took_nothing_is_told_why_that_was_after_it_has_run",),
    ),
    Mutant(
        "dash-way-opened",
        "a node that was opened again is told to have taken nothing",
        "handoff/view/trails.py",
        '    "undrained": ("draining", "cordoned"),\n',
        "",
        (f"{WAY}::test_who_waited_for_a_node_that_took_nothing_is_told_why_that_was_after_it_has_run",),
    ),
    Mutant(
        "dash-way-deferred",
        "who was deferred is not told on whom it depended",
        "handoff/dashboard/pages/timeline.py",
        "    elif detail.awaits and detail.created_at:\n",
        "    elif False and detail.created_at:\n",
        (f"{WAY}::test_who_depended_on_others_is_told_on_whom_after_it_has_run",),
    ),
)
