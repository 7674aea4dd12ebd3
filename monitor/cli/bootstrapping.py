"""The command that fills a state from files."""

import threading

import typer

from monitor.cli.common import FAIL, PASS, ConfigFile, configured


def bootstrap(config: ConfigFile) -> int:
    """Fill an empty state with the chunks of Parquet or Lance files, so that the stream need not bring them all.

    What was read is committed now and then: the same command goes on after a kill, and does nothing where all was
    read. No other command opens the state before that. It exits with 1 when more rows were set aside than
    source.max_refused_ratio allows. Needs the extra: pip install 'corpus-drift[parquet]', or [lance].
    """
    from monitor.app.bootstrapping import closing
    from monitor.app.running import leaving_on_sigterm, reading_files, stopping_on_signals
    from monitor.app.wiring.bootstrapping import open_bootstrap
    from monitor.core.records.files_mark import FilesMark

    configuration = configured(config)
    stopping = threading.Event()
    with leaving_on_sigterm(), open_bootstrap(configuration) as made:
        if isinstance(made, FilesMark):
            typer.echo(f"all {made.total:,} rows were read before; nothing to do", err=True)
            return PASS
        if made.rows:
            typer.echo(f"going on at row {made.rows:,} of {made.total:,}", err=True)
        with stopping_on_signals(stopping), reading_files(made) as turned:
            made.run(stopping, turned)
        for line in closing(made):
            typer.echo(line, err=True)
        limit = configuration.source.max_refused_ratio
        if made.read.too_many(limit):
            typer.echo(f"corpus-drift: {made.read.complaint(limit)} -c {config}", err=True)
            return FAIL
    return PASS
