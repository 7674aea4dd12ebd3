"""What to do next, in one sentence and, where the command line can do it, as the command to copy."""

from shlex import quote
from typing import Literal, NamedTuple

from monitor.core.migration.model import Phase
from monitor.core.migration.verdict import MigrationAssessment, MigrationVerdict

Verb = Literal["", "estimate", "status", "fixes", "explain"]
"""Which command a step is."""


class NextStep(NamedTuple):
    """A sentence, and which command it is ("" where it is for other tools to act)."""

    do: str
    verb: Verb


def next_command(verb: Verb, options: str, config: str) -> str:
    """The command of a step, "" for none.

    Args:
        verb: of the step.
        options: how a command names the monitor, such as `-c corpus-drift.toml` or `--monitor URL`.
        config: the configuration file, "" where none is here: an estimate encodes, which needs it.

    >>> next_command("status", "--monitor http://127.0.0.1:9464", "")
    'corpus-drift migrate status --monitor http://127.0.0.1:9464'
    >>> next_command("estimate", "--monitor http://127.0.0.1:9464", "")
    ''
    """
    if verb == "estimate":
        return f"corpus-drift migrate estimate -c {quote(config)}" if config else ""
    return {
        "": "",
        "status": f"corpus-drift migrate status {options}",
        "fixes": f"corpus-drift migrate status {options} --fix jsonl",
        "explain": f"corpus-drift migrate explain {options}",
    }[verb]


def next_step(of: MigrationAssessment) -> NextStep:
    """What to do next with the migration as it is now."""
    coverage = of.view.coverage
    match of.verdict:
        case MigrationVerdict.NOT_STARTED:
            said = "Estimate what the new encoder costs and whether it can be better; then send the begin marker."
            return NextStep(said, "estimate")
        case MigrationVerdict.BACKFILLING:
            if coverage.missing or coverage.stale:
                return NextStep("Let the backfill write what is missing; then send the backfilled marker.", "fixes")
            return NextStep("Nothing is missing: send the backfilled marker.", "status")
        case MigrationVerdict.READY:
            return NextStep(
                "Switch the alias and the query encoder together, then send the cutover marker.", "status"
            )
        case MigrationVerdict.NOT_READY if of.view.phase is Phase.SHADOWING and coverage.faults != 0:
            return NextStep("Mend what the fix list names: write, embed again or delete.", "fixes")
        case MigrationVerdict.ROLL_BACK:
            return NextStep(
                "Switch alias and query encoder back to the old version, then send the rollback marker.", "explain"
            )
        case MigrationVerdict.COMPLETE if of.view.phase is not Phase.ENDED:
            return NextStep("Stop the old writes, send the end marker and drop the old version.", "status")
        case MigrationVerdict.COMPLETE:
            return NextStep("Nothing: the migration is over. Take its section out of the configuration.", "status")
        case MigrationVerdict.HOLD:
            return NextStep("Keep both versions written until the rollback window is over.", "status")
        case MigrationVerdict.SHADOWING:
            return NextStep("Wait for the shadow read of both versions and the blind audit.", "status")
    return NextStep("See which rules keep it, and why.", "explain")
