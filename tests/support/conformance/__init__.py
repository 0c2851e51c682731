"""What every ResourceTracker must do, as tests: one class per subject, and `tracker` has them all."""
