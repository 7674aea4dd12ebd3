"""Text of no known format; `.txt` is reStructuredText where it has titles of it."""

from monitor.adapters.documents.restructured import restructured
from monitor.core.text.layout import Document


def plain(text: str) -> Document:
    """Text without structure."""
    return Document(text.split("\n"), structured=False)


def text_file(text: str) -> Document:
    """A `.txt` page: many projects write reStructuredText into it."""
    document = restructured(text)
    return document if document.headings else plain(text)
