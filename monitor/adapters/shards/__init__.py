"""Shards outside of the coordinator's process."""
