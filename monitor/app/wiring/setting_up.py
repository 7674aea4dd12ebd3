"""From what a user has to a configuration that runs: anchors with vectors, an annotated file, the next commands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from shlex import quote
from typing import Any

import numpy as np

from monitor.adapters.anchors_file import load as load_anchors
from monitor.adapters.anchors_file import write as write_anchors
from monitor.adapters.rank_bm25 import best_documents
from monitor.app.annotated import annotated, reference
from monitor.app.configuration import Configuration, build, load
from monitor.app.folders import made_folder
from monitor.app.wiring.retrieval import build_encoder
from monitor.app.wiring.survey import Survey
from monitor.app.wiring.tools import LogReading, build_anchor_file, check_references, check_server
from monitor.core.model.anchors import Anchor
from monitor.core.text.tokens import tokenize
from monitor.core.text.wording import count_of
from monitor.ports import ConfigurationError, Encoder

SECOND_BEST = "second best: its vectors are those of the items that BM25 finds for the query, no encoder made them"


@dataclass(frozen=True, slots=True)
class SetupWishes:
    """What a user wants besides what is found.

    Args:
        folder: where the files are written.
        queries: the query log.
        reading: how it is read.
        anchors: how many.
        encoder: keys of `[encoder]`; empty for none.
        embedding_version: what made the vectors; "" for a name by collection and dimension.
        environment: secrets.
    """

    folder: Path
    queries: Path
    reading: LogReading
    anchors: int = 1_000
    encoder: Mapping[str, str] = field(default_factory=dict)
    embedding_version: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def configuration_file(self) -> Path:
        """The configuration that is written."""
        return self.folder / "corpus-drift.toml"

    @property
    def anchors_file(self) -> Path:
        """The anchors that are written."""
        return self.folder / "anchors.jsonl"

    def asking(self, queries: Path) -> "SetupWishes":
        """The same with this query log."""
        return replace(self, queries=queries)

    def refuse_to_overwrite(self) -> None:
        """ConfigurationError where a file is there already: a set-up never replaces one."""
        for path in (self.configuration_file, self.anchors_file, self.folder / "corpus-drift.state"):
            if path.exists():
                message = f"{path}: is there already; expected another --folder, nothing is overwritten"
                raise ConfigurationError(message)


def set_up(found: Survey, wishes: SetupWishes) -> list[str]:
    """Choose anchors, write both files and check them.

    Returns:
        Lines for people; the last ones are the commands that come next.

    Raises:
        ConfigurationError: a file is there already, the query log cannot be read, or the result does not hold.
        UnreachableError: the encoder does not answer.
    """
    wishes.refuse_to_overwrite()
    made_folder(wishes.folder)
    content = _content(found, wishes)
    built = build(_nested(content), wishes.environment, where=wishes.configuration_file)
    try:
        lines = _anchors(found, wishes, built)
        content["segments"] = {"dimensions": _shared(content["segments"]["dimensions"], wishes.anchors_file)}
        notes = _notes(lines, found, wishes)
        written = f"{HEAD}\n{annotated(content, notes, reference())}"
        wishes.configuration_file.write_text(written, encoding="utf-8")
        configuration = load(wishes.configuration_file, wishes.environment)
        check_references(configuration)
        met = check_server(configuration)
    except BaseException:
        for path in (wishes.configuration_file, wishes.anchors_file):
            path.unlink(missing_ok=True)  # both are ours: neither was there before
        raise
    lines += [line for line in met.lines if configuration.dense.engine == "server"]
    checked = f"{wishes.configuration_file}: ok, {len(configuration.rules())} rules"
    return [*lines, checked, *_next(found, wishes)]


HEAD = """# Written by corpus-drift init. Every key that is not here has its default, see the documentation's page
# Configuration; corpus-drift check-config -c FILE says what is wrong with a change.
"""


def _content(found: Survey, wishes: SetupWishes) -> dict[str, dict[str, Any]]:
    content = {heading: dict(table) for heading, table in found.content.items()}
    corpus, dense = content["corpus"], content["dense"]
    if wishes.encoder:
        content["encoder"] = dict(wishes.encoder)
        if dense["engine"] == "none":
            dense["engine"] = "embedded"
        if not corpus.get("dimension"):
            corpus["dimension"] = _dimension_said(wishes.embedding_version)
    if dense["engine"] != "none":
        named = wishes.embedding_version or corpus.get("embedding_version") or _named(corpus)
        corpus["embedding_version"] = named
    content["anchors"] = {"path": wishes.anchors_file.name}
    content["baseline"] = {"bootstrap": "first-deploy"}
    for heading in ("source.file", "source.git"):
        if heading in content:
            content[heading]["path"] = str(Path(content[heading]["path"]).absolute())
    return content


def _dimension_said(version: str) -> int:
    """The dimension in the name of what makes the vectors, where the corpus has none that says it."""
    said = version.split(":")[-2:-1]
    if not said or not said[0].isdecimal() or not int(said[0]):
        form = "NAME:DIMENSION:METRIC, such as e5-small:384:cosine"
        message = f"--embedding-version {version!r}: expected {form}; no vector of the corpus says the dimension"
        raise ConfigurationError(message)
    return int(said[0])


def _named(corpus: Mapping[str, Any]) -> str:
    return f"{corpus['name']}:{corpus.get('dimension', 0)}:{corpus.get('distance', 'cosine')}"


def _nested(content: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for heading, table in content.items():
        level = made
        for part in heading.split("."):
            level = level.setdefault(part, {})
        level |= table
    return made


def _anchors(found: Survey, wishes: SetupWishes, built: Configuration) -> list[str]:
    """Choose and write the anchors, with vectors where the dense leg is on."""
    log, file = wishes.queries, wishes.anchors_file
    document = build_anchor_file(log, file, count=wishes.anchors, by="", reading=wishes.reading)
    lines = [
        f"anchors: {document['anchors']} of {count_of(document['queries'], 'query', 'queries')} in {wishes.queries}"
    ]
    if built.dense.adapter is None:
        return lines
    chosen, problems = load_anchors(wishes.anchors_file, dimension=0, default_embedding_version="")
    if problems:
        raise ConfigurationError("\n".join(problems))
    encoder = build_encoder(built)
    if encoder is not None:
        write_anchors(wishes.anchors_file, _encoded(chosen, encoder))
        return [*lines, f"their vectors: encoded by {encoder.embedding_version!r}"]
    made = _known_items(chosen, found, built.corpus.embedding_version)
    left = len(chosen) - len(made)
    if not made:
        message = f"{log}: no query shares a word with the sampled chunks; expected an encoder (--encoder-url)"
        raise ConfigurationError(message)
    write_anchors(wishes.anchors_file, made)
    gone = f"; {left} queries that share no word with the sample are left out" if left else ""
    return [*lines, f"their vectors: SECOND BEST: {SECOND_BEST.partition(': ')[2]}{gone}"]


def _encoded(chosen: Sequence[Anchor], encoder: Encoder) -> list[Anchor]:
    vectors = encoder.encode([anchor.text for anchor in chosen])
    version = encoder.embedding_version
    return [
        replace(anchor, vector=row, embedding_version=version) for anchor, row in zip(chosen, vectors, strict=True)
    ]


def _known_items(chosen: Sequence[Anchor], found: Survey, version: str) -> list[Anchor]:
    """Anchors with the vector of the chunk that BM25 ranks first; without those that share no word with any."""
    items = [chunk for chunk in found.sample if chunk.vector is not None]
    best = best_documents([tokenize(chunk.text) for chunk in items], [tokenize(anchor.text) for anchor in chosen])
    return [
        replace(anchor, vector=np.asarray(items[at].vector, np.float32), embedding_version=version)
        for anchor, at in zip(chosen, best, strict=True)
        if at is not None
    ]


def _shared(dimensions: Sequence[str], anchors: Path) -> list[str]:
    """The dimensions that the anchors have too: by others nothing can be told apart."""
    chosen, _ = load_anchors(anchors, dimension=0, default_embedding_version="")
    there = {name for anchor in chosen for name, _ in anchor.segment}
    return [name for name in dimensions if name in there]


def _notes(lines: Sequence[str], found: Survey, wishes: SetupWishes) -> dict[str, str]:
    notes = {}
    if any("SECOND BEST" in line for line in lines):
        notes["anchors.path"] = SECOND_BEST
    dimensions = found.content["segments"]["dimensions"]
    if dimensions:
        notes["segments.dimensions"] = f"Found in the corpus: {', '.join(dimensions)}; anchors need them as well."
    if not wishes.embedding_version and "embedding_version" not in found.content["corpus"]:
        notes["corpus.embedding_version"] = "Named by init: put in what made the vectors."
    return notes


def _next(found: Survey, wishes: SetupWishes) -> list[str]:
    """The commands that come next: for streams with markers, and for those whose deploys end with a run."""
    command = f"corpus-drift {{}} -c {quote(str(wishes.configuration_file))}"
    run, gate = f"{command.format('run')} --until-end", command.format("gate")
    if found.deploys:
        return [
            "",
            "next, what there is; its first deploy becomes what is compared with:",
            f"  {run}",
            "then, whether the newest deploy may stay:",
            f"  {gate} --deploy {quote(found.deploys[-1])}",
        ]
    return [
        "",
        "next, the corpus as it is becomes what is compared with:",
        f"  {run} --deploy before",
        "then, behind your next update, look again and ask whether it may stay:",
        f"  {run} --deploy after",
        f"  {gate} --deploy after",
    ]
