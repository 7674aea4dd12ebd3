"""The one place that chooses adapters and builds everything; constructors open nothing."""

from monitor.app.wiring.explaining import around
from monitor.app.wiring.monitor import build_drift, open_monitor, running, serving
from monitor.app.wiring.reading import read_state
from monitor.app.wiring.remote import remote_monitor

__all__ = ["around", "build_drift", "open_monitor", "read_state", "remote_monitor", "running", "serving"]
