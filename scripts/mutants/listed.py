"""All defects: one at least for nearly every library, and those that no test noticed once."""

from __future__ import annotations

from mutants import (
    agent,
    agent_parts,
    children,
    claims,
    deaths,
    doctor,
    forms,
    housekeeping,
    jobs_carried,
    jobs_ended,
    jobs_placed,
    judged,
    ledger,
    nodes_books,
    nodes_found,
    operations,
    runs,
    safety,
    texts,
    versions,
    waiting,
    why,
)
from mutants.mutant import Mutant

MUTANTS: tuple[Mutant, ...] = (
    *agent.MUTANTS,
    *agent_parts.MUTANTS,
    *children.MUTANTS,
    *claims.MUTANTS,
    *deaths.MUTANTS,
    *doctor.MUTANTS,
    *forms.MUTANTS,
    *housekeeping.MUTANTS,
    *jobs_carried.MUTANTS,
    *jobs_ended.MUTANTS,
    *jobs_placed.MUTANTS,
    *judged.MUTANTS,
    *ledger.MUTANTS,
    *nodes_books.MUTANTS,
    *nodes_found.MUTANTS,
    *operations.MUTANTS,
    *runs.MUTANTS,
    *safety.MUTANTS,
    *texts.MUTANTS,
    *versions.MUTANTS,
    *waiting.MUTANTS,
    *why.MUTANTS,
)
