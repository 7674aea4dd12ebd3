"""Stores of the state: one folder each."""
