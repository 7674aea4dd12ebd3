"""The command that proves an erasure: erased."""

from pathlib import Path
from typing import Annotated

import typer

from monitor.cli.common import FAIL, PASS, UNDECIDED, DocumentFormat, MonitorOptions, asks_monitor, need_file, say
from monitor.cli.streams import argument_text
from monitor.errors import ConfigurationError

LONGEST_TEXT = 1 << 20
"""Bytes of a text that is searched for."""


@asks_monitor
def erased(
    ids: Annotated[list[str], typer.Argument(help="Ids of chunks or documents.")],
    options: MonitorOptions,
    text: Annotated[
        Path | None,
        typer.Option(help="A file with what was deleted, - for stdin: it is searched for by content. With one id."),
    ] = None,
    accept_copies: Annotated[
        bool, typer.Option("--accept-copies", help="Copies under other ids are said, and do not decide.")
    ] = False,
    forget: Annotated[
        bool, typer.Option("--forget", help="First have the monitor forget the texts of them that it keeps itself.")
    ] = False,
    form: Annotated[DocumentFormat, typer.Option("--format")] = DocumentFormat.TEXT,
) -> int:
    """Can what was deleted still be retrieved: 0 no, 1 yes, 2 usage, 3 something could not be looked at, 4 no state.

    Looks at the events, the records set aside, copies under other ids, the served index, production and the anchors'
    lists, and says what was looked at and what was not. Writes nothing but for --forget.
    """
    from monitor.app.erasure_text import erasure_text
    from monitor.app.wiring.erasing import build_erasure
    from monitor.core.erasure.document import gate_code
    from monitor.core.erasure.model import ErasureRequest

    request = ErasureRequest([argument_text(one) for one in ids], _text(text), accept_copies, forget)
    whom = options.target()
    monitor = whom.running()
    if monitor is not None:
        document = monitor.erased(request)
    else:
        document = build_erasure(whom.stored(), None, request, tell=lambda line: typer.echo(line, err=True))
    say(document, as_json=form is DocumentFormat.JSON, text=erasure_text)
    return {"pass": PASS, "fail": FAIL}.get(gate_code(document), UNDECIDED)


def _text(path: Path | None) -> str:
    if path is None:
        return ""
    need_file(path)
    stream = typer.get_binary_stream("stdin") if str(path) == "-" else path.open("rb")
    with stream:
        read = stream.read(LONGEST_TEXT + 1)
    if len(read) > LONGEST_TEXT:
        message = f"--text {path}: more than {LONGEST_TEXT:,} bytes; expected the text of one chunk or document"
        raise ConfigurationError(message)
    try:
        made = read.decode()
    except UnicodeDecodeError as error:
        message = f"--text {path}: {error.reason} at byte {error.start}; expected UTF-8"
        raise ConfigurationError(message) from error
    if not made.strip():
        message = f"--text {path}: is empty; expected what was deleted"
        raise ConfigurationError(message)
    return made
