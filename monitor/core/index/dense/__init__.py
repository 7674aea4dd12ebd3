"""The dense leg: exact top-k of every anchor, kept up to date."""
