"""A git history as a source of events."""
