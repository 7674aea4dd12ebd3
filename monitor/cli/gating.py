"""What the gates share: the options of an answer, its forms and its exit code."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from monitor.cli.common import FAIL, PASS, UNDECIDED


class OnInconclusive(StrEnum):
    """What INCONCLUSIVE and UNKNOWN make of the exit code."""

    ERROR = "error"
    PASS = "pass"  # noqa: S105 - a verdict
    FAIL = "fail"


class GateFormat(StrEnum):
    """Forms of a gate answer."""

    TEXT = "text"
    JSON = "json"
    JUNIT = "junit"
    MARKDOWN = "markdown"


AnswerFormat = Annotated[GateFormat, typer.Option("--format", help="What the answer is written in.")]
AnswerPath = Annotated[
    Path | None,
    typer.Option("--output", help="Write the answer there, at every exit code; stdout then has a summary."),
]
Undecided = Annotated[
    OnInconclusive,
    typer.Option(
        "--on-inconclusive",
        help="What INCONCLUSIVE and UNKNOWN exit with: error 3, fail 1, pass 0 with a warning.",
    ),
]


def exit_code(document: dict[str, Any], verdict: str, on_inconclusive: OnInconclusive) -> int:
    """The exit code of a verdict; a warning is put into the document where an option decides it.

    Args:
        document: the answer.
        verdict: pass, fail, inconclusive or unknown.
        on_inconclusive: what the last two make of the code.
    """
    code = {"pass": PASS, "fail": FAIL}.get(verdict, UNDECIDED)
    if code == UNDECIDED and on_inconclusive is not OnInconclusive.ERROR:
        code = PASS if on_inconclusive is OnInconclusive.PASS else FAIL
        said = f"verdict {document['verdict']} taken as {on_inconclusive} by --on-inconclusive"
        document["warning"] = "; ".join(filter(None, (said, document.get("warning"))))
    return code
