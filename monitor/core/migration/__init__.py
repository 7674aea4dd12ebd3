"""Encoder migration: a second version of every vector beside the one in production, measured until it is ready."""
