"""The page for people at `/`: self-contained HTML of the last published view, everything from outside escaped."""
