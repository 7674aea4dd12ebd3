"""The one place that chooses adapters and builds everything; constructors open nothing."""

from monitor.app.wiring.monitor import build_drift, open_monitor, read_state, running, serving

__all__ = ["build_drift", "open_monitor", "read_state", "running", "serving"]
