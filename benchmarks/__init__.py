"""Side-by-side measurements against public peers: `python -m benchmarks.<name>`, one core, ratios of medians."""
