"""From the lists now and a baseline to an immutable report."""
