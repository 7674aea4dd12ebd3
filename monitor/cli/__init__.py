"""The commands; results on stdout, logs and progress on stderr, exit codes as the interface says."""

import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer
from typer.exceptions import TyperException

from monitor import __version__
from monitor.cli import (
    alerting,
    anchoring,
    baselines,
    bootstrapping,
    checking,
    comparing,
    erasing,
    explaining,
    judging,
    migrating,
    producing,
    running,
    setting_up,
    sharding,
)
from monitor.cli.common import NO_REPORT, USAGE
from monitor.cli.streams import tolerant_streams
from monitor.errors import CorpusDriftError, UnreachableError

app = typer.Typer(
    name="corpus-drift",
    help="Watch queries that matter while the corpus behind a RAG system changes: how far their results moved, which "
    "change did it, and whether an update may stay.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command(short_help="Write anchors and a configuration for what you have.")(setting_up.init)
app.command(short_help="See it at work on a corpus that this machine has.")(running.demo)
app.command(short_help="Run the monitor.")(running.run)
app.command(short_help="Fill a state from Parquet or Lance files.")(bootstrapping.bootstrap)
app.command(short_help="Ask a running monitor whether it is well.")(running.health)
app.command(name="replay-git", short_help="See which past updates shook retrieval.")(running.replay_git)
app.command(short_help="Play the demo's corpus to Kafka.")(producing.produce)
app.command(short_help="May a deploy stay? 0 pass, 1 fail, 3 undecided.")(judging.gate)
app.command(short_help="Show how far each segment moved, now or at a deploy.")(judging.report)
app.command(short_help="Judge two result files of any retriever.")(comparing.compare)
app.command(short_help="Say what moved, why, who did it and what to do.")(explaining.explain)
app.command(short_help="Can what was deleted still be retrieved?")(erasing.erased)
app.add_typer(baselines.baseline, name="baseline")
app.add_typer(migrating.migrate, name="migrate")
checking.anchors.command(short_help="How much of what users ask the anchors represent.")(anchoring.coverage)
checking.anchors.command(short_help="Propose anchors to add and drop, with reasons.")(anchoring.propose)
checking.anchors.command(short_help="Replace this month's eighth by questions of a log.")(anchoring.rotate)
app.add_typer(checking.anchors, name="anchors")
app.add_typer(checking.events, name="events")
app.add_typer(checking.quarantine, name="quarantine")
app.add_typer(sharding.shards, name="shards")
app.command(short_help="Write alert rules for Prometheus.")(alerting.rules)
app.command(name="check-config", short_help="Say what is wrong with a configuration.")(checking.check_config)
app.command(short_help="Print a JSON Schema.")(checking.schema)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"corpus-drift {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    del version


def main(argv: Sequence[str]) -> int:
    """Run one command.

    Returns:
        The exit code: 0 pass, 1 fail, 2 usage or configuration, 3 undecided, 4 no report can be had.
    """
    try:
        code = app(list(argv), prog_name="corpus-drift", standalone_mode=False)
    except typer.Exit as stop:
        return int(stop.exit_code)
    except SystemExit as stop:
        if isinstance(stop.__context__, BrokenPipeError):  # typer's own 1 would read as a verdict
            return _failed("nobody reads the output any more", NO_REPORT)
        return int(stop.code or 0)  # told to stop before there was a loop to stop
    except UnreachableError as error:
        return _failed(str(error), NO_REPORT)
    except CorpusDriftError as error:
        return _failed(str(error), USAGE)
    except TyperException as error:
        return _failed(error.format_message().replace(": Value error, ", ": "), USAGE)
    except KeyboardInterrupt:
        return _failed("interrupted", 130)
    except Exception as error:
        import traceback

        traceback.print_exc()
        return _failed(f"internal error: {type(error).__name__}: {error}", NO_REPORT)
    return int(code or 0)


def _failed(message: str, code: int) -> int:
    for line in message.splitlines():
        typer.echo(f"corpus-drift: {line}", err=True)
    return code


def entry() -> None:
    """The console script."""
    # Before numpy is loaded: one thread does all the work, and its products are small. The threads that OpenBLAS
    # keeps for them wait by spinning: on two busy cores that took more time than everything else in a turn.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    tolerant_streams()
    if "CORPUS_DRIFT_PARENT" not in os.environ:
        sys.exit(main(sys.argv[1:]))
    from monitor.app.apart import PARENT, ParentSocket

    parent = ParentSocket(int(os.environ[PARENT]))
    parent.watch()
    code = main(sys.argv[1:])
    parent.say(code)  # a library that ends this process does not come here
    sys.exit(code)
