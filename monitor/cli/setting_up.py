"""The command that looks at what a user has, and writes anchors and an annotated configuration."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli.common import PASS, Json, need_file, say
from monitor.errors import ConfigurationError

if TYPE_CHECKING:
    from monitor.app.wiring.survey import Survey

WAYS = ("qdrant", "kafka", "file", "git")


def init(
    *,
    qdrant: Annotated[str, typer.Option(help="A Qdrant server; its key: CORPUS_DRIFT_DENSE__API_KEY.")] = "",
    collection: Annotated[str, typer.Option(help="With --qdrant: the collection.")] = "",
    kafka: Annotated[str, typer.Option(help="Kafka brokers as host:port, separated by commas.")] = "",
    topic: Annotated[str, typer.Option(help="With --kafka: the topic of corpus events.")] = "",
    file: Annotated[Path | None, typer.Option(help="A JSON Lines file of corpus events.")] = None,
    git: Annotated[Path | None, typer.Option(help="A git repository of documentation.")] = None,
    queries: Annotated[Path | None, typer.Option(help="A query log, in any form that anchors build reads.")] = None,
    folder: Annotated[Path, typer.Option(help="Where the files are written; nothing is overwritten.")] = Path(),
    anchors: Annotated[int, typer.Option("--count", "--anchors", min=1, help="How many anchors.")] = 1_000,
    vector_name: Annotated[str, typer.Option(help="Which named vector of the collection is watched.")] = "",
    chunk_id_field: Annotated[str, typer.Option(help="Payload field of the chunk id.")] = "",
    text_field: Annotated[str, typer.Option(help="Payload field of the text.")] = "",
    api_version: Annotated[str, typer.Option(help="Kafka protocol version to speak, as 2.3.")] = "",
    encoder_url: Annotated[str, typer.Option(help="An embeddings endpoint that speaks OpenAI's protocol.")] = "",
    encoder_model: Annotated[str, typer.Option(help="With --encoder-url: the model's name.")] = "",
    encoder_path: Annotated[str, typer.Option(help="A local model folder of fastembed's.")] = "",
    embedding_version: Annotated[
        str, typer.Option(help="What made the vectors, such as NAME:DIMENSION:METRIC.")
    ] = "",
    as_json: Json = False,
) -> int:
    """Look at a collection, topic, file or repository; choose anchors from a query log; write a configuration.

    On a terminal it asks for what is missing. It only reads from your systems, and checks what it wrote.
    """
    from monitor.app.wiring.setting_up import SetupWishes, set_up
    from monitor.app.wiring.tools import LogReading

    given = {"qdrant": qdrant, "kafka": kafka, "file": str(file or ""), "git": str(git or "")}
    way, where = _way(given)
    _fitting(
        way,
        {
            "qdrant": {
                "--collection": collection,
                "--vector-name": vector_name,
                "--chunk-id-field": chunk_id_field,
                "--text-field": text_field,
            },
            "kafka": {"--topic": topic, "--api-version": api_version},
        },
    )
    encoder = _encoder(encoder_url, encoder_model, encoder_path)
    looks: dict[str, Callable[[], Survey]] = {
        "qdrant": lambda: _collection(where, collection, vector_name, chunk_id_field, text_field),
        "kafka": lambda: _topic(where, topic, api_version),
        "file": lambda: _file(Path(where)),
        "git": lambda: _repository(Path(where)),
    }
    wishes = SetupWishes(
        folder=folder,
        queries=Path(),
        reading=LogReading(),
        anchors=anchors,
        encoder=encoder,
        embedding_version=embedding_version,
        environment=os.environ,
    )
    wishes.refuse_to_overwrite()
    found = looks[way]()
    for line in () if as_json else found.lines:
        typer.echo(line)
    log = Path(_wanted(str(queries or ""), "--queries", "A log of queries (file)"))
    need_file(log)
    lines = set_up(found, wishes.asking(log))
    document = {"found": list(found.lines), "done": [line for line in lines if line]}
    say(document, as_json=as_json, text=lambda _: "\n".join(lines))
    return PASS


def _way(given: dict[str, str]) -> tuple[str, str]:
    """Which way in, and where: exactly one."""
    named = {way: where for way, where in given.items() if where}
    if len(named) > 1:
        message = f"{' and '.join(f'--{way}' for way in named)}: expected one of them"
        raise ConfigurationError(message)
    if named:
        return next(iter(named.items()))
    said = "one of --qdrant URL, --kafka BROKERS, --file PATH, --git PATH"
    way = _wanted("", said, f"What holds your corpus ({', '.join(WAYS)})")
    if way not in WAYS:
        message = f"{way!r}: expected one of {', '.join(WAYS)}"
        raise ConfigurationError(message)
    return way, _wanted("", f"--{way}", "Address or path")


def _fitting(way: str, of: dict[str, dict[str, str]]) -> None:
    """ConfigurationError where an option of one way in was given with another: nothing is left out silently."""
    for other, options in of.items():
        for option, value in options.items():
            if value and other != way:
                message = (
                    f"{option} {value!r}: an option of --{other}, but the corpus is --{way}; expected one of them"
                )
                raise ConfigurationError(message)


def _wanted(given: str, option: str, question: str) -> str:
    """What an option says, else what is answered on a terminal; ConfigurationError where there is neither."""
    if given:
        return given
    if not sys.stdin.isatty():
        message = f"{option}: missing; expected it, or a terminal to ask on"
        raise ConfigurationError(message)
    answer: str = typer.prompt(question, err=True)
    return answer.strip()


def _encoder(url: str, model: str, path: str) -> dict[str, str]:
    if url and path:
        message = "--encoder-url and --encoder-path: expected one of them"
        raise ConfigurationError(message)
    if bool(url) != bool(model):
        message = "--encoder-url, --encoder-model: expected both or neither"
        raise ConfigurationError(message)
    if url:
        return {"kind": "openai", "url": url, "model": model}
    return {"kind": "fastembed", "path": str(Path(path).absolute())} if path else {}


def _collection(url: str, collection: str, vector_name: str, chunk_id_field: str, text_field: str) -> "Survey":
    from monitor.app.environment import secret
    from monitor.app.wiring.collection_survey import CollectionAddress, survey_collection

    name = _wanted(collection, "--collection", "Collection")
    key = secret(("dense", "api_key"), os.environ)
    return survey_collection(CollectionAddress(url, name, key, vector_name, chunk_id_field, text_field))


def _topic(servers: str, topic: str, version: str) -> "Survey":
    from monitor.app.wiring.event_survey import survey_topic

    numbers = version.split(".") if version else []
    if not all(number.isdecimal() for number in numbers):
        message = f"--api-version {version!r}: expected numbers such as 2.3"
        raise ConfigurationError(message)
    named = _wanted(topic, "--topic", "Topic")
    return survey_topic(servers.split(","), named, api_version=[int(number) for number in numbers])


def _file(path: Path) -> "Survey":
    from monitor.app.wiring.event_survey import survey_file

    need_file(path)
    return survey_file(path)


def _repository(path: Path) -> "Survey":
    from monitor.app.wiring.event_survey import survey_repository

    return survey_repository(path)
