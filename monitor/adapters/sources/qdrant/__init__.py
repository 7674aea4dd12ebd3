"""A Qdrant collection as a source of events: what a scan finds changed."""
