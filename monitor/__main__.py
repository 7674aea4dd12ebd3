"""`python -m monitor` is the console script."""

from monitor.cli import entry

entry()
