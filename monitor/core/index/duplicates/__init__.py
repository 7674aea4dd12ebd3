"""Exact and near copies in the live corpus."""
