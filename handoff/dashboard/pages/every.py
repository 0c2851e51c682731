"""All pages: their addresses, their titles, and what each reads."""

from __future__ import annotations

from handoff.dashboard.page import Page
from handoff.dashboard.pages.failures import failures
from handoff.dashboard.pages.function import function
from handoff.dashboard.pages.functions import form, functions
from handoff.dashboard.pages.nodes import node, nodes
from handoff.dashboard.pages.overview import overview
from handoff.dashboard.pages.runs import run, runs
from handoff.dashboard.pages.schedules import schedules
from handoff.dashboard.pages.tasks import tasks
from handoff.dashboard.pages.waiting import waiting

PAGES = (
    Page("overview", "/", "Overview", overview),
    Page("waiting", "/waiting", "Waiting", waiting),
    Page("functions", "/functions", "Functions", functions, form=form),
    Page("function", "/functions/{id}", "Function", function, section="functions"),
    Page("runs", "/runs", "Runs", runs),
    Page("run", "/run", "Run", run, section="runs"),
    Page("schedules", "/schedules", "Schedules", schedules),
    Page("nodes", "/nodes", "Nodes", nodes),
    Page("node", "/nodes/{name}", "Node", node, section="nodes"),
    Page("failures", "/failures", "Failures", failures),
    Page("tasks", "/tasks", "Task stream", tasks),
)
"""All pages."""
