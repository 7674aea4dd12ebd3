"""Where corpus events come from: one folder per kind of source, registered in `monitor.adapters.registry`."""
