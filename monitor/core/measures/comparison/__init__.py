"""A baseline against the lists now: per-anchor tables, measured anew only where something changed."""
