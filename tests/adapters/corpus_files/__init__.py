"""Columnar files as rows of a corpus."""
