"""From text to words, sections and paths."""
