"""The side of Handoff that runs on every host: it imports `handoff` and is never imported by it."""
