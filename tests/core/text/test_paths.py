"""What paths say, and globs."""

import pytest

from monitor.core.text.paths import glob_matches, segment_of


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("README.md", ("repo", None, "pages")),
        ("docs/index.md", ("repo", None, "pages")),
        ("docs/tutorial/first.md", ("repo", None, "tutorial")),
        ("docs/pt-BR/docs/tutorial/deep/x.md", ("repo", "pt-br", "tutorial")),
        ("docs/zh_Hant/a.md", ("repo", "zh-hant", "pages")),
        ("content/en/docs/concepts/a.md", ("repo", "en", "concepts")),
        ("website/i18n/ja/docusaurus-plugin-content-docs/current/guide/x.md", ("repo", "ja", "guide")),
        ("packages/core/README.md", ("packages", None, "core")),
        ("packages/core/docs/fr/use/x.md", ("packages", "fr", "core")),
        ("zh-cn/a.md", ("repo", "zh-cn", "pages")),
        ("it/a.md", ("it", None, "pages")),
        ("docs/ml/a.md", ("repo", None, "ml")),
        ("README_es.md", ("repo", "es", "pages")),
        ("guide.de.md", ("repo", "de", "pages")),
        ("v1.10.md", ("repo", None, "pages")),
        ("docs/how-to-do.it", ("repo", None, "pages")),
    ],
)
def test_segments_from_paths(path: str, expected: tuple[str, str | None, str]) -> None:
    segment = segment_of(path, "repo")
    assert (segment["source"], segment.get("language"), segment["doc_type"]) == expected


@pytest.mark.parametrize(
    ("pattern", "inside", "outside"),
    [
        ("**/*.md", ["a.md", "x/y/a.md", ".md"], ["a.mdx", "a.md/b"]),
        ("docs/**/*.md", ["docs/a.md", "docs/x/y/a.md"], ["a.md", "x/docs/a.md"]),
        ("docs/*.md", ["docs/a.md"], ["docs/x/a.md"]),
        ("**/api/**", ["api/x", "a/api/b/c"], ["apis/x"]),
        ("a?[0-9].rst", ["ab1.rst"], ["ab.rst", "a/1.rst"]),
        ("**/x/**/x/**/y", ["x/x/y", "q/x/q/x/q/y"], ["x/y", "x/q/y"]),
        ("a.md", ["a.md"], ["A.md", "x/a.md"]),
    ],
)
def test_globs(pattern: str, inside: list[str], outside: list[str]) -> None:
    assert [path for path in inside + outside if glob_matches(path, pattern)] == inside
