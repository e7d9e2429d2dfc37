"""Pure functions of stored arrays: metrics, thresholds."""
