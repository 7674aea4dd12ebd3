"""One outside system per file. Adapters know `core`, `ports` and that system, nothing else."""
