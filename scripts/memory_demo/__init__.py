"""What scripts/demo-memory runs: functions that say 500 MB and take 900, with and without enforcement."""
