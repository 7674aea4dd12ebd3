"""Splitting documents: tables by hand, markdown-it as the oracle for headings, and properties."""

from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from monitor.adapters.documents.readers import reader_of, sections_of
from monitor.core.text.sections import DocumentSection, slug

Kind = str
SUFFIXES = {"markdown": ".md", "rst": ".rst", "text": ".log", "asciidoc": ".adoc", "mdx": ".mdx", "html": ".html"}
SUFFIXES |= {"notebook": ".ipynb", "txt": ".txt"}


def split(text: str, *, doc_id: str, kind: Kind, words: int = 180) -> list[DocumentSection]:
    """As a page of this kind, under the id that was asked for."""
    suffix = SUFFIXES[kind]
    made = sections_of(text, doc_id=doc_id.removesuffix(suffix) + suffix, words=words)
    return [DocumentSection(doc_id + s.chunk_id[s.chunk_id.index("#") :], s.ordinal, s.text) for s in made]


def ids(text: str, kind: Kind = "markdown") -> list[str]:
    return [section.chunk_id.partition("#")[2] for section in split(text, doc_id="d", kind=kind)]


def body_of(section: DocumentSection) -> str:
    return section.text.partition("\n")[2]


# ---------------------------------------------------------------- tables

MARKDOWN_IDS = [
    ("", []),
    ("\n\n  \n", []),
    ("only text", ["_top"]),
    ("intro\n\n# A\nx", ["_top", "a"]),
    ("# A\n\n## B\n\n### C\n\n## D\n\n# E", ["a", "a/b", "a/b/c", "a/d", "e"]),
    ("# A\n## Use\n# B\n## Use", ["a", "a/use", "b", "b/use"]),
    ("## Use\n## Use\n## Use", ["use", "use-2", "use-3"]),
    ("## Use\n## Use\n## Use 2", ["use", "use-3", "use-2"]),  # a natural name is never taken from its heading
    ("## Use\n### In\n## Use\n### In", ["use", "use/in", "use-2", "use-2/in"]),
    ("### Deep\n## Less\n#### Deeper", ["deep", "less", "less/deeper"]),
    ("# Title #\n## Sub ##  \n## C#", ["title", "title/sub", "title/c"]),
    ("Title\n=====\n\nSub\n---\ntext", ["title", "title/sub"]),
    ("two\nlines\n===", ["two-lines"]),
    ("- item\n---\ntext", ["_top"]),
    ("> quote\n---", ["_top"]),
    ("| a |\n---", ["_top"]),
    ("a\nb\nc\nd\n---", ["_top"]),  # a rule under a paragraph, not a heading of four lines
    ("```\n# no\n```\n# yes", ["_top", "yes"]),
    ("~~~ python\n# no\n```\n# no\n~~~~\n# yes", ["_top", "yes"]),
    ("````\n```\n# no\n````\n# yes", ["_top", "yes"]),
    ("```\n# no, and never closed", ["_top"]),
    ("``` not a fence `\n# yes", ["_top", "yes"]),
    ("- a\n\n    ```\n    # no\n    ```\n\n# yes", ["_top", "yes"]),
    ("1. a\n\n    ```\n    # no\n\n# the item is over, so is its code", ["_top", "the-item-is-over-so-is-its-code"]),
    ("<!--\n# no\n-->\n# yes", ["_top", "yes"]),
    ("<!-- # no --> \n# yes", ["_top", "yes"]),
    ("<PRE>\n# no\n\n# no\n</pre>\n# yes", ["_top", "yes"]),
    ("<div>\n# no\n\n# yes\n</div>", ["_top", "yes"]),
    ("    # code\n#hashtag\n####### seven", ["_top"]),
    ("# A {#install}\n## B {#deep .wide}\n## C {.red}", ["install", "deep", "install/c-red"]),
    ("# A { #spaced }\n## B\n# X {#spaced}", ["spaced", "spaced/b", "spaced-2"]),
    ("# A {/* #mdx */}", ["mdx"]),
    ("# A {#a/b#c--d}", ["a-b-c-d"]),  # nothing of it can be read as a path or a part
    ("---\ntitle: T\n---\n# A", ["a"]),
    ("---\ntitle: 'T'\n---\ntext", ["_top"]),
    ('+++\ntitle = "T"\n+++\ntext', ["_top"]),
    ("---\n\ntext\n\n---\n# A", ["_top", "a"]),
    ("\ufeff# A\r\n\r\ntext\r## B", ["a", "a/b"]),
    ("# 日本語 ガイド\n# Übersicht\n# हिन्दी", ["日本語-ガイド", "übersicht", "हिन्दी"]),
    ("# [Link](https://example.org/x) <b>bold</b> `code()`", ["link-bold-code"]),
    ("# _top\n# ---", ["top", slug("---")]),
]


@pytest.mark.parametrize(("text", "expected"), MARKDOWN_IDS)
def test_markdown_ids(text: str, expected: list[str]) -> None:
    assert ids(text) == expected


RST_IDS = [
    ("Title\n=====\n\ntext\n\nSub\n---\n\nmore\n\nNext\n====\n", ["title", "title/sub", "next"]),
    ("=====\nTitle\n=====\n\nSub\n=====\n\ntext", ["title", "title/sub"]),  # an overline is another style
    ("====\n Inset\n====\n\ntext", ["inset"]),
    ("text\nTitle\n=====\n", ["_top"]),  # not the first line of its paragraph
    ("Title\n==\n", ["_top"]),  # an underline below four characters must be as long as the title
    ("AB\n==\n", ["ab"]),
    ("- item\n------\n", ["_top"]),
    ("1. Numbered\n===========\n", ["1-numbered"]),
    (".. note::\n\n   Title\n   =====\n\ntext", ["_top"]),
    ("::\n\n  Title\n  =====\n\nTitle\n=====", ["_top", "title"]),
    (":mod:`x` --- y\n==============\n", ["mod-x-y"]),
    (":field: value\n=============\n", ["_top"]),
    ("=====  =====\na      b\n=====  =====\n1      2\n=====  =====", ["_top"]),
    ("text\n\n----\n\ntext", ["_top"]),
    ("A\n====\n\nB\n----\n\nC\n~~~~\n\nD\n----\n", ["a", "a/b", "a/b/c", "a/d"]),
    ("Title\n=====\nSub\n-----", ["title", "title/sub"]),
]


@pytest.mark.parametrize(("text", "expected"), RST_IDS)
def test_restructured_text_ids(text: str, expected: list[str]) -> None:
    assert ids(text, "rst") == expected


def test_a_section_is_its_title_and_its_text() -> None:
    assert split("# A\n\none\n\ntwo\n\n## B\n", doc_id="g.md", kind="markdown") == [
        DocumentSection("g.md#a", 0, "A\none\n\ntwo"),
        DocumentSection("g.md#a/b", 1, "B"),
    ]


def test_the_title_of_the_front_matter_heads_the_text_above_the_first_heading() -> None:
    text = "---\nlang: en\ntitle: 'Guide'\n---\nintro\n\n# A\n"
    assert [section.text for section in split(text, doc_id="d", kind="markdown")] == ["Guide\nintro", "A"]


def test_long_sections_end_between_paragraphs() -> None:
    paragraphs = [" ".join([f"p{n}"] * 80) for n in range(5)]
    sections = split("# Long\n\n" + "\n\n".join(paragraphs), doc_id="d", kind="markdown")
    assert [section.chunk_id for section in sections] == ["d#long", "d#long--2", "d#long--3"]
    assert [body_of(section).split("\n\n") for section in sections] == [
        paragraphs[:2],
        paragraphs[2:4],
        paragraphs[4:],
    ]
    assert {section.text.partition("\n")[0] for section in sections} == {"Long"}


def test_a_paragraph_over_the_limit_ends_between_its_lines() -> None:
    lines = [f"* item {n} of a tight list" for n in range(90)]
    sections = split("# L\n" + "\n".join(lines), doc_id="d", kind="markdown")
    assert [line for section in sections for line in body_of(section).split("\n")] == lines
    assert max(len(body_of(section).split()) for section in sections) <= 180


@pytest.mark.parametrize("fence", ["```", "~~~~"])
def test_code_is_never_cut(fence: str) -> None:
    code = "\n".join([fence, *(f"word {n}\n" for n in range(300)), fence])
    sections = split(f"# C\n\nbefore\n{code}\nafter", doc_id="d", kind="markdown")
    assert sum(code in section.text for section in sections) == 1


def test_literal_blocks_are_never_cut() -> None:
    code = "\n\n".join(f"   word {n}" for n in range(300))
    sections = split(f"A\n====\n\n.. code-block:: text\n\n{code}\n\nafter", doc_id="d", kind="rst")
    assert sum(code in section.text for section in sections) == 1


def test_scripts_without_spaces_are_cut_too() -> None:
    text = "\n\n".join("漢" * 100 for _ in range(10))
    assert len(split(text, doc_id="d", kind="rst")) == 4  # 50 words each, three to a part
    assert 4 <= len(split(text, doc_id="d", kind="text")) <= 10


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        *[("a.md", "markdown"), ("a.MDX", "mdx"), ("a.b.markdown", "markdown"), ("x.rst", "restructured")],
        *[("x.txt", "text_file"), ("x.AsciiDoc", "asciidoc"), ("x.htm", "html"), ("x.ipynb", "notebook")],
    ],
)
def test_reader_by_suffix(path: str, kind: str) -> None:
    assert reader_of(path).__name__ == kind
    assert reader_of(path.rpartition(".")[0]).__name__ == "plain"


def test_slugs_are_bounded_and_tell_long_titles_apart() -> None:
    one, other = slug("word " * 500 + "a"), slug("word " * 500 + "b")
    assert one != other
    assert max(len(one), len(other)) <= 80
    assert slug("🎉") != slug("🚀")
    deep = "\n".join(f"{'#' * level} {'漢' * 70}{level}" for level in range(1, 7))
    assert max(len(chunk_id.encode()) for chunk_id in ids(deep)) < 600
    assert len(set(ids(deep))) == 6


# ---------------------------------------------------------------- properties

PIECES = ["# A", "## B b", "  ### C", "#", "#x", "text", "more text", "===", "---", "- item", "> quote", "", "", ""]
PIECES += ["```", "~~~", "<!--", "-->", "<!-- x -->", "1. one", "***", "text `a`", "| a | b |", "-", "="]
KINDS: list[Kind] = ["markdown", "rst", "text", "asciidoc", "mdx", "txt"]
LINES = st.lists(
    st.one_of(st.sampled_from([*PIECES, "::", ".. code::", "   indented", "~~~~"]), st.text(max_size=12))
)


@settings(max_examples=300, deadline=None)
@given(lines=LINES, kind=st.sampled_from(KINDS), words=st.integers(1, 30))
@example(lines=["\x0c", "==="], kind="markdown", words=1)
def test_never_raises_loses_nothing_and_ids_are_unique(lines: list[str], kind: Kind, words: int) -> None:
    text = "\n".join(lines)
    sections = split(text, doc_id="d", kind=kind, words=words)
    assert sections == split(text, doc_id="d", kind=kind, words=words)
    assert len({section.chunk_id for section in sections}) == len(sections)
    assert [section.ordinal for section in sections] == list(range(len(sections)))
    assert all(section.text.strip() for section in sections)


def _expected_lines(text: str, kind: Kind) -> list[str]:
    """All lines but the blank ones and those of headings, in order."""
    document = reader_of(SUFFIXES[kind])(text.replace("\r\n", "\n").replace("\r", "\n"))
    assume(all(heading.title.strip() for heading in document.headings))  # without a title no first line to drop
    marked = {at for heading in document.headings for at in range(heading.start, heading.end)}
    return [line for at, line in enumerate(document.lines) if line.strip() and at not in marked]


@settings(max_examples=300, deadline=None)
@given(lines=LINES, kind=st.sampled_from(KINDS), words=st.integers(1, 30))
def test_every_line_is_in_exactly_one_section_in_order(lines: list[str], kind: Kind, words: int) -> None:
    text = "\n".join(["plain", *lines])  # so that nothing is front matter
    kept: list[str] = []
    for section in split(text, doc_id="d", kind=kind, words=words):
        own = section.text if "#_top" in section.chunk_id else body_of(section)
        kept += [line for line in own.split("\n") if line.strip()]
    assert kept == _expected_lines(text, kind)


@st.composite
def documents(draw: st.DrawFn) -> list[tuple[int, str, str]]:
    """Sections as (level, title, body): titles may repeat, bodies hold no headings."""
    words = st.sampled_from(["alpha", "beta", "gamma", "delta", "# x", "`code`"])
    body = st.lists(st.lists(words, min_size=1, max_size=9).map(" ".join), max_size=4).map("\n\nx ".join)
    title = st.sampled_from(["Use", "Install", "Notes", "API", "Übersicht", "Use 2"])
    return draw(st.lists(st.tuples(st.integers(1, 3), title, body), min_size=1, max_size=9))


def _markdown_of(parts: list[tuple[int, str, str]]) -> str:
    return "\n\n".join(f"{'#' * level} {title}\n\nx {body}" for level, title, body in parts)


def _rst_of(parts: list[tuple[int, str, str]]) -> str:
    styles = "One\n===\n\nTwo\n---\n\nThree\n~~~~~\n\n"  # fixes which style is which level
    return styles + "\n\n".join(f"{title}\n{'=-~'[level - 1] * 12}\n\nx {body}" for level, title, body in parts)


@settings(max_examples=200, deadline=None)
@given(parts=documents(), data=st.data(), render=st.sampled_from([_markdown_of, _rst_of]))
def test_editing_a_section_leaves_the_others_alone(
    parts: list[tuple[int, str, str]], data: st.DataObject, render: Callable[[list[tuple[int, str, str]]], str]
) -> None:
    kind: Kind = "markdown" if render is _markdown_of else "rst"
    at = data.draw(st.integers(0, len(parts) - 1))
    edited = [*parts]
    edited[at] = (parts[at][0], parts[at][1], " ".join(["omega"] * data.draw(st.integers(0, 400))))
    before = split(render(parts), doc_id="d", kind=kind)
    after = split(render(edited), doc_id="d", kind=kind)
    gone = {s.chunk_id: s.text for s in before}.items() - {s.chunk_id: s.text for s in after}.items()
    came = {s.chunk_id: s.text for s in after}.items() - {s.chunk_id: s.text for s in before}.items()
    touched = {chunk_id.partition("--")[0] for chunk_id, _ in [*gone, *came]}
    assert len(touched) <= 1


@settings(max_examples=200, deadline=None)
@given(parts=documents(), data=st.data(), level=st.integers(1, 3))
def test_inserting_a_section_renames_no_unrelated_one(
    parts: list[tuple[int, str, str]], data: st.DataObject, level: int
) -> None:
    """Only what becomes a child of the new section, or was below its place in the hierarchy, may be renamed."""
    at = data.draw(st.integers(0, len(parts)))
    before = split(_markdown_of(parts), doc_id="d", kind="markdown")
    after = split(
        _markdown_of([*parts[:at], (level, "Entirely new", "words"), *parts[at:]]), doc_id="d", kind="markdown"
    )
    adopted = next((n for n in range(at, len(parts)) if parts[n][0] <= level), len(parts)) - at
    counted = Counter(section.text for section in before)
    kept = {s.chunk_id for s in before} & {s.chunk_id for s in after}
    if adopted == 0:
        assert kept == {s.chunk_id for s in before}
        assert Counter(s.text for s in after if s.chunk_id in kept) == counted
