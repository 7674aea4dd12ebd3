"""JSON Lines: a file, a growing file, a compressed file, a pipe or standard input."""
