"""`[source.file]`: a JSON Lines file, or standard input."""

from monitor.kinds import Section, SourceContext, SourceKind
from monitor.ports import Source


class FileSection(Section):
    """A JSON Lines file, or standard input."""

    path: str
    follow: bool = False


def _build(section: FileSection, context: SourceContext) -> Source:
    from monitor.adapters.sources.jsonl.source import STDIN, JsonLinesSource

    path = STDIN if section.path == STDIN else context.located(section.path)
    return JsonLinesSource(path, follow=section.follow, max_line_bytes=context.max_event_bytes)


FILE = SourceKind("file", FileSection, _build, bounded=True)
