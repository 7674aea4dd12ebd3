"""The lexical leg: incremental BM25 and the exact top-k of every anchor."""
