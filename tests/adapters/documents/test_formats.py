"""Formats other than Markdown: tables by hand, docutils as oracle, hostile files, how far an edit reaches."""

import io
import json
import random
import subprocess
import sys
from collections.abc import Callable, Sequence

import pytest
from docutils import nodes
from docutils.frontend import get_default_settings
from docutils.parsers.rst import Parser
from docutils.utils import new_document
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.adapters.documents.readers import READERS, sections_of
from monitor.adapters.documents.restructured import restructured
from monitor.core.text.borders import borders, joined, priorities
from tests.adapters.documents.test_sections import PIECES


def chunks(text: str, suffix: str) -> list[tuple[str, str]]:
    return [(s.chunk_id.partition("#")[2], s.text) for s in sections_of(text, doc_id=f"d{suffix}")]


def ids(text: str, suffix: str) -> list[str]:
    return [chunk_id for chunk_id, _ in chunks(text, suffix)]


# ---------------------------------------------------------------- tables


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "= Title\n:toc:\n\nintro\n\n== A\n\nx\n\n=== B\n\ny\n\n== C\n",
            ["title", "title/a", "title/a/b", "title/c"],
        ),
        ("----\n== no\n----\n== yes\n", ["_top", "yes"]),
        ("....\n== no\n----\n....\n\n////\n== no\n////\n\n|===\n== no\n|===\n== yes\n", ["_top", "yes"]),
        ("----\n== yes, nothing closes it\n", ["_top", "yes-nothing-closes-it"]),
        ("```ruby\n== no\n```\n## yes\n", ["_top", "yes"]),
        ("[[install]]\n== How to install\n\nx\n\n[#run,opts]\n== Run it\n", ["install", "run"]),
        ("==no\n======= seven\n", ["_top"]),
    ],
)
def test_asciidoc(text: str, expected: list[str]) -> None:
    assert ids(text, ".adoc") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{/*\n# no\n*/}\n# yes\n", ["_top", "yes"]),
        ("import A from 'a'\n# no\n\nexport const x = {\n\n# no\n\n}\n\n# B\n", ["_top", "b"]),
        ("text\nimport duties are\n===\n", ["text-import-duties-are"]),
        ("```js\nexport const x = {\n# no\n```\n# yes\n", ["_top", "yes"]),
        ("export const never = {\n# no\n\n# yes\n", ["_top", "yes"]),
        ("---\ntitle: T\n---\n{/* # no */}\n# A {/* #mdx */}\n", ["_top", "mdx"]),
        ("{/* never closed\n# yes\n", ["_top", "yes"]),
    ],
)
def test_mdx(text: str, expected: list[str]) -> None:
    assert ids(text, ".mdx") == expected


def test_html() -> None:
    page = """<!doctype html><html><head><title>The  page</title><style>h1{}</style></head><body>
    <nav><h1>Menu</h1></nav><p>intro &amp; more <b>bo</b>ld</p>
    <h1 id="first">First <code>one</code></h1><p>a</p><p>b</p><script>var x</script>
    <ul><li>x<li>y</ul><h2>Second&nbsp;¶</h2><pre>code\n\n  more</pre>
    <table><tr><td>1</td><td>2</td></tr></table>
    <template><h1>no</h1></template><!-- <h1>no</h1> --><h2> </h2></body></html>"""
    assert chunks(page, ".html") == [
        ("_top", "The page\nintro & more bold"),
        ("first", "First one\na\n\nb\n\nx\ny"),
        ("first/second", "Second\ncode\n\n  more\n\n1 2"),
    ]
    assert ids("<body><h1>Menu</h1><main><h2>Text</h2>x</main></body>", ".htm") == ["text"]
    assert chunks("just words", ".html") == [("_top", "just words")]
    assert chunks("", ".html") == []


def _cell(kind: str, source: object) -> dict[str, object]:
    return {"cell_type": kind, "source": source, "outputs": [{"text": "# output"}]}


def test_notebooks() -> None:
    cells = [
        _cell("markdown", ["# A\n", "\n", "one"]),
        _cell("code", "# no\nx = 1"),
        _cell("markdown", "## B\r\ntwo"),
    ]
    made = chunks(json.dumps({"cells": [*cells, _cell("raw", ""), 3], "nbformat": 4}), ".ipynb")
    assert made == [("a", "A\none\n\n# no\nx = 1"), ("a/b", "B\ntwo")]
    old = {"worksheets": [{"cells": [_cell("markdown", "# A"), {"cell_type": "code", "input": ["x\n", "# no"]}]}]}
    assert chunks(json.dumps(old), ".ipynb") == [("a", "A\nx\n# no")]
    other = json.dumps({"cells": [{**cell, "outputs": [], "execution_count": 7} for cell in cells]})
    assert chunks(other, ".ipynb") == made, "a run changes outputs and counts, not the text"
    for text in ("{", "[]", "3", '{"cells": 3}', "[" * 5_000, '{"worksheets": [3]}'):
        assert "".join(said for _, said in chunks(text, ".ipynb")) in {"", text}


def test_restructured_text_in_txt_and_plain_text() -> None:
    text = "Title\n=====\n\nx\n\nSub\n---\n\ny\n"
    assert ids(text, ".txt") == ids(text, ".rst") == ["title", "title/sub"]
    assert chunks("no title\n\n  here", ".txt") == [("_top", "no title\n\n  here")]
    assert ids(text, ".log") == ["_top"]


# ---------------------------------------------------------------- docutils as the oracle


class _NoInline:
    """Headings do not depend on inline markup."""

    def init_customizations(self, _settings: object) -> None:
        return None

    def parse(
        self, text: str, _line: int, _memo: object, _parent: object
    ) -> tuple[list[nodes.Node], list[nodes.Node]]:
        return [nodes.Text(text)], []


def _docutils(text: str) -> list[tuple[int, str]]:
    """(depth, title) of docutils' sections."""
    chosen = get_default_settings(Parser)
    chosen.report_level = chosen.halt_level = 5
    chosen.warning_stream = io.StringIO()
    chosen.file_insertion_enabled = chosen.raw_enabled = False
    document = new_document("page", chosen)
    Parser(inliner=_NoInline()).parse(text, document)
    found = []
    for section in document.findall(nodes.section):
        depth, above = 1, section.parent
        while isinstance(above, nodes.section):
            depth, above = depth + 1, above.parent
        found.append((depth, section[0].astext()))
    return found


RST_BLOCKS = [
    "Alpha\n=====",
    "Beta\n----",
    "=====\nGamma\n=====",
    "Delta\n~~~~~",
    "text of\ntwo lines",
    "* item",
    "::\n\n  Not\n  ===",
]
RST_BLOCKS += [".. note::\n\n   x", ".. code-block:: py\n\n   No\n   ==", "| line", "1. one", ":field: x"]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(RST_BLOCKS), max_size=9))
def test_titles_are_those_of_docutils(blocks: list[str]) -> None:
    text = "\n\n".join(blocks) + "\n"
    wanted = [title for _, title in _docutils(text)]
    found = [heading.title for heading in restructured(text).headings]
    rest = iter(found)  # docutils leaves out titles of inconsistent levels
    assert all(title in rest for title in wanted), (found, wanted)
    assert len(found) == sum(block.endswith(("=", "-", "~")) and not block.startswith((":", ".")) for block in blocks)


# ---------------------------------------------------------------- hostile files


HOSTILE = [
    "<div>" * 200_000,
    "<b>" * 50_000,
    "<!--" * 50_000,
    "<p" * 100_000,
    "- " * 100_000,
    "> " * 100_000,
    "# [](" * 20_000,
]
HOSTILE += [
    '{"cells": [' * 20_000,
    "----\n" * 50_000,
    "export {\n" * 20_000,
    "{/*\n" * 30_000,
    "```\n~~~\n" * 20_000,
    "* " * 50_000,
]
HOSTILE += [
    "[[a]]\n== b\n" * 10_000,
    "a\n\n" * 50_000,
    "same line\n" * 50_000,
    "x y\n\nz\n\n" * 20_000,
    "\ud800\n",
    "<h1>" * 30_000,
]


@pytest.mark.parametrize("suffix", sorted(READERS))
@pytest.mark.parametrize("at", range(len(HOSTILE)), ids=lambda at: repr(HOSTILE[at][:6]))
def test_hostile_files_are_harmless(at: int, suffix: str, capfd: pytest.CaptureFixture[str]) -> None:
    """No error, nothing printed, no id twice; what takes longer than the suite's limit would fail."""
    made = ids(HOSTILE[at][:100_000], suffix)
    assert len(set(made)) == len(made)
    assert capfd.readouterr() == ("", "")


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(st.sampled_from([*PIECES, "== A", "<h1>x", "export {", "{/*"]), st.text(max_size=9))))
def test_no_text_raises_in_any_format(lines: list[str]) -> None:
    for suffix in READERS:
        made = sections_of("\n".join(lines), doc_id=f"d{suffix}")
        assert len({one.chunk_id for one in made}) == len(made)


def test_nothing_is_included_and_no_parser_is_imported_before_it_is_needed() -> None:
    code = "import sys, monitor.adapters.documents.readers as d; d.sections_of('a', doc_id='a.rst'); "
    code += "print(sorted({'docutils', 'markdown_it', 'selectolax'} & set(sys.modules)))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout == "[]\n"
    for text in (".. include:: /etc/passwd\n", ".. raw:: html\n   :file: /etc/passwd\n"):
        assert chunks(text, ".rst") == [("_top", text.strip("\n"))]
    assert "root" not in str(chunks("include::/etc/passwd[]\n", ".adoc"))


# ---------------------------------------------------------------- how far an edit reaches


def _paragraphs(seed: int, count: int) -> list[str]:
    rng = random.Random(seed)
    return [
        " ".join(
            rng.choice(["alpha", "beta", "gamma", "delta"]) + str(rng.randrange(90))
            for _ in range(rng.randrange(5, 60))
        )
        for _ in range(count)
    ]


def _moved(before: str, after: str, suffix: str) -> int:
    """Chunks of one that are not in the other, ids and texts."""
    return len(set(chunks(before, suffix)) ^ set(chunks(after, suffix)))


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 10**6), at=st.integers(0, 119), kind=st.sampled_from(["edit", "insert", "delete", "split"])
)
def test_an_edit_of_a_long_text_moves_only_what_is_around_it(seed: int, at: int, kind: str) -> None:
    parts = _paragraphs(seed, 120)
    half = parts[at][: len(parts[at]) // 2]
    new = {
        "edit": ["entirely new words"],
        "insert": ["a new one", parts[at]],
        "delete": [],
        "split": [half, parts[at][len(half) :]],
    }
    edited = [*parts[:at], *new[kind], *parts[at + 1 :]]
    assert len(chunks("\n\n".join(parts), ".log")) > 15
    assert _moved("\n\n".join(parts), "\n\n".join(edited), ".log") <= 16


@settings(max_examples=300, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 9), min_size=1, max_size=60),
    data=st.data(),
    limit=st.integers(1, 30),
)
def test_borders_change_only_within_a_limit_of_the_edit(sizes: list[int], data: st.DataObject, limit: int) -> None:
    own = data.draw(st.lists(st.integers(0, 99), min_size=len(sizes), max_size=len(sizes)))
    at = data.draw(st.integers(0, len(sizes) - 1))
    edited, theirs = [*sizes], [*own]
    edited[at], theirs[at] = data.draw(st.integers(1, 9)), data.draw(st.integers(0, 99))
    one, other = set(borders(sizes, own, limit)), set(borders(edited, theirs, limit))
    for border in one ^ other:
        between = sizes[min(border, at) : max(border, at)]
        assert sum(between) - (between[0] if at < border else 0) <= limit
    _check_pieces(sizes, sorted(one), limit)
    kept = joined(sorted(one), sizes, max(1, limit // 4))
    assert set(kept) <= one
    assert kept[0] == 0


def _check_pieces(sizes: Sequence[int], starts: Sequence[int], limit: int) -> None:
    for start, end in zip(starts, [*starts[1:], len(sizes)], strict=True):
        assert end - start == 1 or sum(sizes[start:end]) <= limit


def test_equal_blocks_have_priorities_of_their_own() -> None:
    assert len(set(priorities(["same"] * 50))) == 50
    assert priorities(["a", "b"])[1] == priorities(["x", "b"])[1]


def _as_sections(parts: Sequence[str], heading: Callable[[int], str]) -> str:
    return "\n\n".join(f"{heading(at)}\n\n{part}" for at, part in enumerate(parts)) + "\n"


@pytest.mark.parametrize(
    ("suffix", "heading"),
    [
        (".rst", lambda at: f"Section {at:03}\n===========".replace("\n", "\n")),
        (".txt", lambda at: f"Section {at:03}\n==========="),
        (".adoc", lambda at: f"== Section {at:03}"),
        (".html", lambda at: f"<h2>Section {at:03}</h2>"),
        (".mdx", lambda at: f"## Section {at:03}"),
    ],
)
def test_an_edit_of_a_structured_page_moves_one_section(suffix: str, heading: Callable[[int], str]) -> None:
    parts = _paragraphs(7, 60)
    edited = [*parts[:5], "words that were not there before " * 20, *parts[6:]]
    assert _moved(_as_sections(parts, heading), _as_sections(edited, heading), suffix) == 2
