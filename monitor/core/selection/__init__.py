"""Choosing anchors from a query log: frequency, diversity, quotas."""
