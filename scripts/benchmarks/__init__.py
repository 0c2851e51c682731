"""What Handoff costs and achieves, measured beside its peers on the machine at hand. Start it with scripts/bench."""
