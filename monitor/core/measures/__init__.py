"""Measures: one object each, one registry of them, and the table that measures anew only what changed."""
