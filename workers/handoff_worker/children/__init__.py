"""The processes that run functions, as the agent sees them: which runs what, and what came of it."""
