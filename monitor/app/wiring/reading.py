"""The last committed state, read while somebody else may own it."""

from collections.abc import Iterator
from contextlib import contextmanager

from monitor.adapters.stores.sqlite.store import SqliteStore
from monitor.app.configuration import Configuration
from monitor.ports import ConfigurationError, StateStore


def build_reader(configuration: Configuration) -> SqliteStore:
    """The store of the committed state, read only and not started, with what its shards published."""
    path, shards = configuration.located(configuration.state.path), configuration.shards
    if not shards.there:
        return SqliteStore(path, read_only=True)
    reader = shards.adapter.reader(shards.settings, path, shards.count)
    return SqliteStore(path, read_only=True, parts=shards.count, reader=reader)


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
    store = build_reader(configuration)
    try:
        store.start()
        yield store
    finally:
        store.close()
