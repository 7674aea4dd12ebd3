"""The last committed state, read while somebody else may own it."""

from collections.abc import Iterator
from contextlib import contextmanager

from monitor.adapters.stores.sqlite.store import SqliteStore
from monitor.app.configuration import Configuration
from monitor.ports import ConfigurationError, StateStore


@contextmanager
def read_state(configuration: Configuration) -> Iterator[StateStore]:
    """The last committed state, read only, while somebody else may own it.

    Raises:
        ConfigurationError: there is no state, or it is not one of ours.
    """
    path = configuration.located(configuration.state.path)
    if not path.is_file():
        message = f"state.path = {str(path)!r}: no state there yet; expected a monitor to have run"
        raise ConfigurationError(message)
    store = SqliteStore(path, read_only=True)
    try:
        store.start()
        yield store
    finally:
        store.close()
