"""Text of no known format; `.txt` is reStructuredText where it has titles of it."""

from monitor.adapters.documents.restructured import restructured
from monitor.core.text.layout import DocumentLayout


def plain(text: str) -> DocumentLayout:
    """Text without structure."""
    return DocumentLayout(text.split("\n"), structured=False)


def text_file(text: str) -> DocumentLayout:
    """A `.txt` page: many projects write reStructuredText into it."""
    document = restructured(text)
    return document if document.headings else plain(text)
