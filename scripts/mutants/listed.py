"""All defects: one at least for every library, and those that no test noticed once."""

from __future__ import annotations

from mutants import agent, claims, housekeeping, jobs, ledger, nodes, operations, runs, texts, waiting, why
from mutants.mutant import Mutant

MUTANTS: tuple[Mutant, ...] = (
    *agent.MUTANTS,
    *claims.MUTANTS,
    *housekeeping.MUTANTS,
    *jobs.MUTANTS,
    *ledger.MUTANTS,
    *nodes.MUTANTS,
    *operations.MUTANTS,
    *runs.MUTANTS,
    *texts.MUTANTS,
    *waiting.MUTANTS,
    *why.MUTANTS,
)
