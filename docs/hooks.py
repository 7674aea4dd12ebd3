"""What MkDocs calls while it builds: links of pages that also live elsewhere in the repository."""

from typing import Any

ELSEWHERE = {"runbooks/": ("](../README.md)", "](../deployment.md)"), "deployment.md": ("](../docs/", "](")}
"""By the beginning of a page's path: how a link reads where the file lives, and how it reads in the site."""


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """The page's text with links that lead somewhere in the site."""
    for beginning, (there, here) in ELSEWHERE.items():
        if page.file.src_uri.startswith(beginning):
            markdown = markdown.replace(there, here)
    return markdown
