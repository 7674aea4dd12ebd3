"""Measures: one object each, one registry, and the table that recomputes only what changed."""
