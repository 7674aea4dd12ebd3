"""The state file of whoever is about to write it: its folder is there, and its lock is held."""

from contextlib import ExitStack
from pathlib import Path

from monitor.adapters.lock import OwnerLock
from monitor.app.configuration import Configuration
from monitor.ports import ConfigurationError


def owned_state(configuration: Configuration, stack: ExitStack) -> tuple[Path, OwnerLock]:
    """Where the state is, and its lock, which the stack lets go.

    Raises:
        ConfigurationError: there is no such folder, or another process owns the state.
    """
    state = configuration.located(configuration.state.path)
    if not state.parent.is_dir():
        message = f"state.path = {str(state)!r}: expected its folder {str(state.parent)!r} to exist"
        raise ConfigurationError(message)
    lock = OwnerLock(state)
    lock.acquire()
    stack.callback(lock.release)
    return state, lock
