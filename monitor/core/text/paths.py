"""What the path of a documentation page says about it: source, language, kind of document; and glob patterns."""

from collections.abc import Sequence
from fnmatch import fnmatchcase

_ROOTS = frozenset(
    {"docs", "doc", "documentation", "content", "contents", "website", "site", "src", "source", "pages", "current"}
    | {"i18n", "l10n", "lang", "langs", "locale", "locales", "translations", "docusaurus-plugin-content-docs"}
)
"""Folders that every page of a repository lies in: they tell nothing about the page."""
_LANGUAGES = frozenset(
    {"ar", "az", "be", "bg", "bn", "bs", "ca", "cs", "da", "de", "el", "em", "en", "eo", "es", "et", "eu", "fa", "fi"}
    | {"fr", "gl", "gu", "he", "hi", "hr", "hu", "hy", "id", "it", "ja", "ka", "kk", "km", "kn", "ko", "lt", "lv"}
    | {"mk", "mr", "ms", "nb", "ne", "nl", "nn", "no", "pa", "pl", "pt", "ro", "ru", "sk", "sl", "sq", "sr", "sv"}
    | {"sw", "ta", "te", "th", "tl", "tr", "uk", "ur", "uz", "vi", "yo", "zh"}
)
"""ISO 639-1 codes seen as folders of translations, without those that are common folder names (my, ml, is, os);
`em` is the emoji translation of some projects."""


def segment_of(path: str, repository: str) -> dict[str, str]:
    """The segment attributes of a page.

    `source` is the top folder, or the repository where that is only a root such as `docs`; `language` is a folder
    directly below a root, a regional folder at the top, or the last part of the file's stem, and missing where
    none of these is a language; `doc_type` is the first folder below, `pages` for a page that lies in none.

    >>> segment_of("docs/de/docs/tutorial/first.md", "fastapi")
    {'source': 'fastapi', 'language': 'de', 'doc_type': 'tutorial'}
    >>> segment_of("packages/core/README.zh-CN.md", "tools")
    {'source': 'packages', 'language': 'zh-cn', 'doc_type': 'core'}
    """
    *folders, name = path.split("/")
    at = _language_folder(folders)
    language = _tag(folders[at]) if at is not None else _tag_of_name(name)
    telling = [folder for index, folder in enumerate(folders) if index != at and folder.lower() not in _ROOTS]
    source = repository
    if telling and folders[0] == telling[0]:
        source = telling.pop(0)
    made = {"source": source, "language": language, "doc_type": telling[0] if telling else "pages"}
    return {attribute: value for attribute, value in made.items() if value}


def _language_folder(folders: Sequence[str]) -> int | None:
    for index, folder in enumerate(folders):
        below_root = index > 0 and folders[index - 1].lower() in _ROOTS
        if _tag(folder) and (below_root or (index == 0 and len(folder) > 2)):
            return index
    return None


def _tag(word: str) -> str:
    """The language tag in lower case with hyphens, '' if the word is none: `pt_BR`, `zh-hant`."""
    language, _, region = word.lower().replace("_", "-").partition("-")
    known = language in _LANGUAGES and region.isascii() and (region.isalpha() or not region)
    return f"{language}-{region}".rstrip("-") if known and len(region) in {0, 2, 4} else ""


def _tag_of_name(name: str) -> str:
    stem = name.rpartition(".")[0]
    if stem.lower().startswith("readme") and stem[6:7] in {"-", "_"}:
        return _tag(stem[7:])
    return _tag(stem.rpartition(".")[2]) if "." in stem else ""


def glob_matches(path: str, pattern: str) -> bool:
    """Whether a path matches: `**` is any number of folders, `*`, `?` and `[...]` stay within one name.

    At most (parts of the path) x (parts of the pattern) names are compared.

    >>> glob_matches("README.md", "**/*.md"), glob_matches("docs/a/b.md", "docs/*.md")
    (True, False)
    """
    parts, wanted = path.split("/"), pattern.split("/")
    at = want = mark = 0
    star = -1
    while at < len(parts):
        if want < len(wanted) and wanted[want] == "**":
            star, mark = want, at
            want += 1
        elif want < len(wanted) and fnmatchcase(parts[at], wanted[want]):
            at, want = at + 1, want + 1
        elif star >= 0:
            mark += 1
            at, want = mark, star + 1
        else:
            return False
    return all(rest == "**" for rest in wanted[want:])
