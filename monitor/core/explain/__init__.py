"""The incident card: what moved, why, who did it, what to do."""
