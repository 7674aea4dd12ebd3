"""YAML as text: nothing in a string can be taken for anything else."""

from hypothesis import given
from hypothesis import strategies as st

from monitor.core.judging.alerts.yaml_text import Node, yaml_text


def test_a_document() -> None:
    document: Node = {
        "a": {"b": [1, True, "x"], "empty": {}},
        "list": [{"name": "one", "for": "5m", "deep": [{"k": "v"}]}, "two", []],
        "with space": "no",
    }
    assert yaml_text(document) == (
        "a:\n"
        "  b:\n"
        "    - 1\n"
        "    - true\n"
        '    - "x"\n'
        "  empty: {}\n"
        "list:\n"
        '  - name: "one"\n'
        '    for: "5m"\n'
        "    deep:\n"
        '      - k: "v"\n'
        '  - "two"\n'
        "  - []\n"
        '"with space": "no"\n'
    )


def test_words_that_yaml_would_read_otherwise_are_quoted() -> None:
    assert yaml_text(
        ["no", "1e3", "~", "", "- x", "a: b # c", 'say "x"', 'it\'s "so"', 'a\\"b', "a\nb", "\u2028"]
    ) == (
        '- "no"\n- "1e3"\n- "~"\n- ""\n- "- x"\n- "a: b # c"\n'
        "- 'say \"x\"'\n- 'it''s \"so\"'\n"
        '- "a\\\\\\"b"\n- "a\\nb"\n- "\\U00002028"\n'
    )


@given(st.text())
def test_a_string_is_one_line_whatever_is_in_it(text: str) -> None:
    assert yaml_text({"key": text}).splitlines()[0] == yaml_text({"key": text}).removesuffix("\n")
