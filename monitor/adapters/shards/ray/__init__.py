"""Shards as actors of a Ray cluster; only `cluster` and `actors` know Ray, and load it when they are used."""
