"""Tests of what the benchmarks draw."""
