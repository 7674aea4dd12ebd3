"""Dashboards and the documentation of metrics, as code; `python -m dashboards` writes what is committed here."""
