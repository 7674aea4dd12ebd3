"""What to do next, in one sentence and, where the command line can do it, as the command to copy."""

from monitor.core.migration.model import Phase
from monitor.core.migration.verdict import MigrationAssessment, MigrationVerdict


def next_step(of: MigrationAssessment, target: str) -> tuple[str, str]:
    """A sentence, and a command ("" where it is for other tools to act).

    Args:
        of: the migration now.
        target: how the command names the monitor, such as `-c corpus-drift.toml`.
    """
    fixes = f"corpus-drift migrate status {target} --fix jsonl"
    status, explain = f"corpus-drift migrate status {target}", f"corpus-drift migrate explain {target}"
    coverage = of.view.coverage
    match of.verdict:
        case MigrationVerdict.NOT_STARTED:
            return (
                "Estimate what the new encoder costs and whether it can be better; then send the begin marker.",
                f"corpus-drift migrate estimate {target.partition(' --monitor')[0]}",
            )
        case MigrationVerdict.BACKFILLING:
            if coverage.missing or coverage.stale:
                return "Let the backfill write what is missing; then send the backfilled marker.", fixes
            return "Nothing is missing: send the backfilled marker.", status
        case MigrationVerdict.READY:
            return "Switch the alias and the query encoder together, then send the cutover marker.", status
        case MigrationVerdict.NOT_READY if of.view.phase is Phase.SHADOWING and coverage.faults != 0:
            return "Mend what the fix list names: write, embed again or delete.", fixes
        case MigrationVerdict.ROLL_BACK:
            return "Switch alias and query encoder back to the old version, then send the rollback marker.", explain
        case MigrationVerdict.COMPLETE if of.view.phase is not Phase.ENDED:
            return "Stop the old writes, send the end marker and drop the old version.", status
        case MigrationVerdict.COMPLETE:
            return "Nothing: the migration is over. Take its section out of the configuration.", status
        case MigrationVerdict.HOLD:
            return "Keep both versions written until the rollback window is over.", status
        case MigrationVerdict.SHADOWING:
            return "Wait for the shadow read of both versions and the blind audit.", status
    return "See which rules keep it, and why.", explain
