"""A living example on this machine, and the real servers that it and the tests start."""
