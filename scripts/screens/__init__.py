"""Pictures of the dashboard, taken of an example that has some of everything: `scripts/screenshots`."""
