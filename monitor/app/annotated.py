"""A configuration file with its explanations, which are those of the reference file."""

import json
import re
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any

_HEADING = re.compile(r"#?\[(?P<name>[a-z_.]+)\]")
_KEY = re.compile(r"#?(?P<name>[a-z_0-9]+) = ")


def reference() -> str:
    """The reference file: every key with its default, its unit and its reason."""
    return files("monitor.app").joinpath("reference.toml").read_text(encoding="utf-8")


def annotated(content: Mapping[str, Mapping[str, Any]], notes: Mapping[str, str], text: str) -> str:
    r"""The keys of a configuration as TOML, each below what the reference says of it.

    Args:
        content: by the heading of its table, such as `source.qdrant`, the keys and values.
        notes: more words on a key, by `heading.key`.
        text: the reference file.

    >>> print(annotated({"http": {"port": 0}}, {}, "[http]\n# Where to listen.\n#port = 9464\n"))
    [http]
    # Where to listen.
    port = 0
    <BLANKLINE>
    """
    said = dict(_comments(text))
    return "\n".join(line for name, table in content.items() for line in _table(name, table, notes, said))


def _table(
    name: str, table: Mapping[str, Any], notes: Mapping[str, str], said: Mapping[tuple[str, str], str]
) -> Iterator[str]:
    yield f"[{name}]"
    for key, value in table.items():
        words = [said.get((name, key), ""), *(f"# {note}" for note in [notes.get(f"{name}.{key}")] if note)]
        yield from (line for line in words if line)
        yield f"{key} = {toml(value)}"
    yield ""


def toml(value: Any) -> str:
    """A value as TOML writes it.

    >>> toml({"language": "meta.lang"}), toml(["a", "b"]), toml(True)
    ('{ "language" = "meta.lang" }', '["a", "b"]', 'true')
    """
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{json.dumps(key)} = {toml(of)}" for key, of in value.items()) + " }"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml, value))}]"
    return json.dumps(value, ensure_ascii=False)


def _comments(text: str) -> Iterator[tuple[tuple[str, str], str]]:
    """(table, key) and the comment above the key."""
    table, above = "", list[str]()
    for line in text.splitlines():
        heading, key = _HEADING.fullmatch(line), _KEY.match(line)
        if heading:
            table, above = heading["name"], []
        elif key:
            yield (table, key["name"]), "\n".join(above)
            above = []
        elif line.startswith("# ") and not line.startswith("# ---"):
            above.append(line)
        else:
            above = []
