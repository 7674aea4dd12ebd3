"""The one place that chooses adapters and builds everything; constructors open nothing."""

from monitor.app.wiring.monitor import open_monitor, read_state

__all__ = ["open_monitor", "read_state"]
