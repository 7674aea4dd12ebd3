"""Side-by-side measurements against public peers: `python -m benchmarks.<name>`, one core, ratios of medians."""

import monitor  # noqa: F401 - first of all: it sets how many threads numpy uses, as in the program
