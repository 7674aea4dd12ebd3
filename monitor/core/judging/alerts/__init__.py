"""Alert rules: generated from the same policy that the gate uses, and from what the monitor says of itself."""
