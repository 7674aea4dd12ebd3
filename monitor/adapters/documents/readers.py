"""Documents of the formats that people write: a reader for each, chosen by the file's suffix.

To add a format is to add one file with a function from text to `DocumentLayout`, and its suffixes to `READERS`.
"""

from collections.abc import Callable, Mapping

from monitor.adapters.documents.asciidoc import asciidoc
from monitor.adapters.documents.html import html
from monitor.adapters.documents.markdown import markdown
from monitor.adapters.documents.mdx import mdx
from monitor.adapters.documents.notebook import notebook
from monitor.adapters.documents.plain import plain, text_file
from monitor.adapters.documents.restructured import restructured
from monitor.core.text.layout import DocumentLayout
from monitor.core.text.sections import WORDS, DocumentSection, split

DocumentReader = Callable[[str], DocumentLayout]

READERS: Mapping[str, DocumentReader] = {
    ".md": markdown,
    ".markdown": markdown,
    ".mdx": mdx,
    ".rst": restructured,
    ".rest": restructured,
    ".txt": text_file,
    ".adoc": asciidoc,
    ".asciidoc": asciidoc,
    ".html": html,
    ".htm": html,
    ".xhtml": html,
    ".ipynb": notebook,
}
"""Readers by suffix, in lower case; anything else is plain text."""

__all__ = ["READERS", "DocumentReader", "reader_of", "sections_of"]


def reader_of(path: str) -> DocumentReader:
    """How to read a file, by its suffix.

    >>> reader_of("docs/index.MD").__name__, reader_of("notes").__name__
    ('markdown', 'plain')
    """
    return READERS.get("." + path.rpartition(".")[2].lower(), plain)


def sections_of(text: str, *, doc_id: str, words: int = WORDS) -> list[DocumentSection]:
    """The chunks of a document, read by the suffix of its id; any line ends. Never raises."""
    plain_ends = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    return split(reader_of(doc_id)(plain_ends), doc_id=doc_id, words=words)
