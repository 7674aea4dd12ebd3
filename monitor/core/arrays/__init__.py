"""What several indexes need: segment codes, the choice between numba and numpy, divergences."""
