"""A monitor that a command owns for a moment, because none is running: it answers as a running one does."""

from monitor.app.asking import approval
from monitor.app.operations import Operations
from monitor.core.records.documents import Document, retried_document, snapshot_document


class OwnedMonitor:
    """What `Running` does between two turns of a loop, done by this process."""

    def __init__(self, operations: Operations) -> None:
        self._operations = operations

    def capture(self, name: str) -> Document:
        """Capture the lists as they are now."""
        return snapshot_document(self._operations.capture(name))

    def approve(self, name: str, author: str, reason: str) -> Document:
        """Approve a captured baseline."""
        return snapshot_document(self._operations.approve(name, approval(author, reason)), in_force=True)

    def accept(self, name: str, author: str, reason: str) -> Document:
        """Capture the lists as they are now and approve them."""
        return snapshot_document(self._operations.accept(name, approval(author, reason)), in_force=True)

    def retry(self) -> Document:
        """Give everything in quarantine another try."""
        made = self._operations.retry()
        return retried_document(made.taken, made.kept)
