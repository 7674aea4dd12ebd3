"""What several indexes need: compiled functions, ragged positions, segment codes, divergences."""
