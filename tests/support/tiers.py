"""Which tests the fast tier leaves out beside those that say so themselves: it is to end in two minutes on two cores.

What is left to it asks every part of the product something; what these ask besides is asked in `scripts/test`.
"""

from __future__ import annotations

ON_REAL_SERVERS = (
    "client/refused",
    "doctor",
    "ledger/cases",
    "ledger/rq",
    "ledger/runs",
    "ledger/scheduling",
    "ledger/versions",
    "top/",
    "why/explain",
)
"""Where tests that run on both kinds of server are slow on fakeredis, which takes the most of their time.

What fakeredis does otherwise is seen in the fast tier too: by the other tests of these rooms.
"""

WITH_PROCESSES = (
    "bench/",
    "cli/test_cli_live.py",
    "client/runs/test_run_real_nodes.py",
    "client/test_recurring_real.py",
    "docs/test_guides.py",
    "hosts/",
    "house/test_bench.py",
    "ledger/store/test_durability.py",
    "ledger/store/test_store_replica.py",
    "ledger/store/test_store_rights.py",
    "ledger/store/test_store_sentinel.py",
    "local/",
    "web/",
    "worker/agent/",
    "worker/children/",
    "worker/machine/test_holder.py",
    "worker/machine/test_processes.py",
)
"""Where processes are started: agents, children, servers."""

OF_MANY = (
    "cli/test_cli_bent.py",
    "client/functions/test_function_many.py",
    "client/functions/test_function_map.py",
    "client/functions/test_function_odd.py",
    "client/refused/test_refused_everywhere.py",
    "client/test_fuzzed_calls.py",
    "doctor/test_mended.py",
    "doctor/test_planted.py",
    "house/test_mutants.py",
    "house/test_script_loader.py",
    "ledger/bent/",
    "ledger/proxy/test_proxy_framing.py",
    "ledger/store/test_forms.py",
    "ledger/store/test_forms_refused.py",
    "ledger/submits/test_many_as_one_by_one.py",
    "ledger/test_closed_nodes.py",
    "ledger/test_cordon.py",
    "ledger/test_heartbeat.py",
    "ledger/test_lost_replies.py",
    "ledger/test_many_leases.py",
    "ledger/test_redis_tracker.py",
    "ledger/test_unique_keys.py",
    "model/test_explored.py",
    "why/explain/test_explain_comes_true.py",
    "worker/loop/test_fuzzed_jobs.py",
)
"""Where the same is asked of hundreds of cases, or of large ones."""

WAITING = (
    "ledger/store/test_store_refusing.py",
    "ledger/store/test_store_silence.py",
    "ledger/store/test_store_size.py",
    "ledger/test_recovery_in_time.py",
)
"""Where seconds have to pass: silences of a connection, leases that lapse."""


def is_slow(kind: str, path: str) -> bool:
    """Whether the fast tier leaves out a test of this kind (`support.kinds`) in a file by its path below `tests`."""
    again = kind in ("fake", "scripts") and path.startswith(ON_REAL_SERVERS)
    return again or path.startswith((*WITH_PROCESSES, *OF_MANY, *WAITING))
