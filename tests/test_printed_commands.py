"""Every command that a card, a page, a runbook or an alert prints is run, and does what the words around it promise.

The commands are taken from what is printed, so a new one is found; one of a kind that has no promise here fails.
"""

import html
import json
import os
import re
import shlex
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from monitor.adapters.web.page.pages import Pages, asked_of
from monitor.app.alerting import alert_groups
from monitor.app.configuration import load
from monitor.app.service import MonitorService
from monitor.app.wiring import open_monitor, read_state, serving
from monitor.cli import app, main
from monitor.core.judging.alerts.alert import Alert
from monitor.core.model.events import Embed
from monitor.core.traffic.rotation import PanelMonth, panel_group
from tests.app.loops import opened, to_end
from tests.app.migrating import migrated, write_migration
from tests.commands import Commands, Said
from tests.corpora import DIMENSION, Shape, write_case
from tests.deploy.test_runbooks import TEXTS

SHAPE = Shape(deploys=4, incident=True)
FOREIGN = json.dumps(
    {"specversion": "1.0", "id": "1", "source": "x", "type": "x", "time": "2026-06-29T00:00:00Z"}
    | {"data": {"op": "delete", "chunk_id": "none", "event_time": "2026-06-29T00:00:00Z"}}
)
"""A record of a form that the configuration does not expect at first."""
EXAMPLES = {"2026-08-19.1": "d3", "source=pricing": "source=guide", "384": str(DIMENSION)}
"""What runbooks say for example, and what it is here."""
NAMES = {one.name or one.callback.__name__ for one in app.registered_commands if one.callback} | {
    str(group.name) for group in app.registered_groups
}


# ---------------------------------------------------------------- what is printed


def in_text(text: str) -> Iterator[str]:
    """Commands in prose with code: each line of code, and what stands in backticks."""
    for found in re.findall(r"corpus-drift ((?:--)?[a-z][^\n`<]*)", text):
        words = str(found).strip()
        if words.split()[0] in NAMES or words.startswith("--"):
            yield words


def in_page(page: str) -> Iterator[str]:
    for code in re.findall(r"<code>(.*?)</code>", page, re.DOTALL):
        yield from in_text(html.unescape(code))


@dataclass(frozen=True)
class Case:
    """A state in which d3 failed, somebody else's record is in quarantine, and nobody runs."""

    config: Path
    run: Commands

    def report(self) -> tuple[str, str]:
        """Verdict on now, and the baseline compared with."""
        said = self.run("report", "-c", self.config, "--json").json()
        return said["verdict"]["verdict"], said["baseline"]["name"]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    config = write_case(tmp_path_factory.mktemp("ran"), shape=SHAPE)
    config.write_text(config.read_text().replace("[source.file]", '[source]\nformat = "native"\n[source.file]'))
    events = config.parent / "events.jsonl"
    events.write_text(f"{FOREIGN}\n{events.read_text()}")
    assert main(["run", "-c", str(config), "--until-end"]) == 0
    return config


@pytest.fixture(scope="module")
def printed(ran: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """Where -> what is printed there."""
    bare = write_case(tmp_path_factory.mktemp("bare"), shape=SHAPE)
    bare.write_text(bare.read_text().replace('bootstrap = "first-deploy"', ""))
    alerts = [alert for group in alert_groups(load(ran, {})) for alert in group.alerts]
    with opened(bare) as monitor:
        assert to_end(monitor)
        without = in_page(shown(monitor, bare))
    with opened(ran) as monitor:
        card = in_page(shown(monitor, ran, deploy="d3"))
        document = MonitorService(monitor, lambda: read_state(load(ran, {})), config=str(ran)).explain("d3", "", "")
    return {
        "page without a baseline": {with_file(one, bare) for one in without},
        "page of a deploy": {with_file(one, ran) for one in card},
        "card": {with_file(one, ran) for action in document["actions"] for one in in_text(action["command"])},
        "runbooks": {one for text in TEXTS.values() for one in in_text(text)},
        "alerts": {one for alert in alerts for one in in_text(annotation(alert))},
    }


def shown(monitor: object, config: Path, **asked: str) -> str:
    service = MonitorService(monitor, lambda: read_state(load(config, {})), config=str(config))  # type: ignore[arg-type]
    return Pages(service, 60.0, str(config)).page(asked_of(asked), 0.0)


def annotation(alert: Alert) -> str:
    return f"{alert.summary}\n{alert.description}"


def with_file(command: str, config: Path) -> str:
    """With the file's own name, as runbooks say it; that it is named whole is part of what is printed."""
    assert f"-c {config}" in command
    return command.replace(str(config), config.name)


def test_commands_are_found_where_they_are_known_to_be(printed: dict[str, set[str]]) -> None:
    kinds = {where: {kind(shlex.split(one)) for one in found} for where, found in printed.items()}
    assert kinds["card"] == kinds["page of a deploy"] == {"baseline accept"}
    assert kinds["page without a baseline"] == {f"baseline {one}" for one in ("capture", "show", "approve", "accept")}
    assert len(printed["runbooks"]) >= 20
    assert set().union(*kinds.values()) <= set(PROMISES), "printed, but nobody says here what it is to do"


# ---------------------------------------------------------------- what is promised


def accepts(case: Case, said: Said) -> None:
    """The corpus as it is: what failed passes, and the name on the card is what is compared with."""
    assert said.code == 0
    name = said.out.split()[1].rstrip(":")
    assert case.report() == ("pass", name)
    marks = {one["name"]: one["in_force"] for one in case.run("baseline", "list", "-c", case.config, "--json").json()}
    assert [one for one, mark in marks.items() if mark] == [name]


def captures(case: Case, said: Said) -> None:
    """There to be looked at, and not in force."""
    assert (said.code, case.report()) == (0, ("fail", "main"))
    assert said.out.startswith("baseline ")
    assert "approve it with: corpus-drift baseline approve" in said.out


def judges(case: Case, said: Said) -> None:
    assert (said.code, "FAIL" in said.out, "d3" in said.out) == (1, True, True)


def explains(case: Case, said: Said) -> None:
    assert said.code == 0
    assert "what to do:" in said.out
    assert "baseline accept" in said.out


def reports(case: Case, said: Said) -> None:
    assert (said.code, "fail" in said.out.lower()) == (0, True)


def lists_baselines(case: Case, said: Said) -> None:
    assert (said.code, "main" in said.out, "bootstrap" in said.out) == (0, True, True)


def shows_baseline(case: Case, said: Said) -> None:
    assert said.code == 0
    assert said.out.startswith("baseline main")
    assert "approved by bootstrap" in said.out


def checks_anchors(case: Case, said: Said) -> None:
    assert (said.code, said.out) == (0, f"24 anchors, 24 with vectors of {DIMENSION} numbers\n")


def checks_events(case: Case, said: Said) -> None:
    assert (said.code, "0 malformed" in said.out) == (0, True)


def checks_configuration(case: Case, said: Said) -> None:
    assert (said.code, "corpus-drift.toml: ok, " in said.out) == (0, True)


def lists_quarantine(case: Case, said: Said) -> None:
    assert (said.code, "file/0/" in said.out) == (0, True)


def retries(case: Case, said: Said) -> None:
    """With the configuration of now, which was corrected: see `Before`."""
    assert (said.code, said.out) == (0, "1 taken, 0 stay in quarantine\n")
    assert case.run("quarantine", "list", "-c", case.config).out == "nothing is in quarantine\n"


def is_a_schema(case: Case, said: Said) -> None:
    assert json.loads(said.out)["$schema"].startswith("https://json-schema.org/")


def says_version(case: Case, said: Said) -> None:
    assert re.fullmatch(r"corpus-drift \d+\.\d+\.\d+\n", said.out)


def closes_the_deploy(case: Case, said: Said) -> None:
    """See `meanwhile`: a monitor runs, and the deploy that nothing marked is judged where the stream ends."""
    assert (said.code, said.out.split()[0]) == (1, "FAIL")
    with read_state(load(case.config, {})) as store:
        assert store.ledger()[-1].deploy_id == "at-end"


def tells_of_a_migration(case: Case, said: Said) -> None:
    """See `meanwhile`: one chunk of the backfill is lost."""
    assert said.code == 0
    if said.out.startswith("{"):
        (fix,) = map(json.loads, said.out.splitlines())
        assert fix["action"] == "write"
    else:
        assert "NOT_READY" in said.out
        assert "1 missing" in said.out


def refuses_a_migration(case: Case, said: Said) -> None:
    assert (said.code, said.out.split()[0]) == (1, "NOT_READY")


def measures_coverage(case: Case, said: Said) -> None:
    """See `meanwhile`: half of the traffic asks what an anchor asks."""
    assert said.code == 0, said.err
    assert "UNDECIDED" in said.out
    assert "2 counted" in said.out


def proposes(case: Case, said: Said) -> None:
    """See `meanwhile`: two queries make no new intent."""
    assert (said.code, said.out) == (0, "nothing to propose\n")


def rotates(case: Case, said: Said) -> None:
    """See `meanwhile`: an anchor of the month's group is there, and a log with others of it."""
    assert said.code == 0, said.err
    assert " anchors leave, " in said.out
    assert case.config.with_name("rotated.jsonl").exists()


PROMISES: dict[str, Callable[[Case, Said], None]] = {
    "--version": says_version,
    "anchors check": checks_anchors,
    "anchors coverage": measures_coverage,
    "anchors propose": proposes,
    "anchors rotate": rotates,
    "baseline accept": accepts,
    "baseline approve": accepts,
    "baseline capture": captures,
    "baseline list": lists_baselines,
    "baseline show": shows_baseline,
    "check-config": checks_configuration,
    "events check": checks_events,
    "explain": explains,
    "gate": judges,
    "gate at end": closes_the_deploy,
    "migrate explain": tells_of_a_migration,
    "migrate gate": refuses_a_migration,
    "migrate status": tells_of_a_migration,
    "quarantine list": lists_quarantine,
    "quarantine replay": retries,
    "report": reports,
    "schema": is_a_schema,
}


def kind(words: Sequence[str]) -> str:
    """A command's name without what follows it."""
    if "--at-end" in words:
        return f"{words[0]} at end"
    grouped = words[0] in {group.name for group in app.registered_groups}
    return " ".join(words[: 2 if grouped else 1])


@contextmanager
def meanwhile(words: list[str], case: Case) -> Iterator[None]:
    """What must be so for a command: a capture to approve, a corrected configuration, a running monitor."""
    of = kind(words)
    if of == "baseline approve":
        assert case.run("baseline", "capture", "-c", case.config, words[4]).code == 0
    if of == "quarantine replay":
        case.config.write_text(case.config.read_text().replace('format = "native"', ""))
    if of == "events check":
        path = case.config.with_name("events.jsonl")
        path.write_text(path.read_text().replace(FOREIGN, ""))
    if of in ("anchors coverage", "anchors propose"):
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("CORPUS_DRIFT_TRAFFIC__KEY", "a key of sixteen bytes")
            with_traffic(case.config)
            yield
        return
    if of == "anchors rotate":
        with_candidates(case.config)
    if words[0] == "migrate":
        faulty_migration(case.config.parent)
    if of == "gate at end":
        words[words.index("--deploy") + 1] = "at-end"
        configuration = load(case.config, {})
        with open_monitor(configuration) as monitor, serving(configuration, monitor):
            thread = threading.Thread(target=monitor.run)
            thread.start()
            try:
                yield
            finally:
                monitor.stopping.set()
                thread.join(60)
        return
    yield


def with_traffic(config: Path) -> None:
    """Beside the case: a log of two queries, one of which is an anchor's."""
    own = json.loads(config.with_name("anchors.jsonl").read_text().splitlines()[0])
    lines = [{"query": of, "client": of} for of in (own["text"], "zzz")]
    config.with_name("traffic.jsonl").write_text("".join(json.dumps(of) + "\n" for of in lines))
    config.write_text(config.read_text() + '\n[traffic]\npath = "traffic.jsonl"\nformat = "json"\n')
    with open_monitor(load(config, os.environ)) as monitor:
        monitor.run(until_end=True)


def with_candidates(config: Path) -> None:
    """Beside the case: an anchor of the group whose month it is, and a log of questions that are of it too."""
    path, group = config.with_name("anchors.jsonl"), PanelMonth.at(time.time()).group
    own = json.loads(path.read_text().splitlines()[0])
    mine = [text for at in range(200) if panel_group(text := f"{own['text']} {at}") == group]
    with path.open("a") as file:
        file.write(json.dumps({**own, "id": "of-the-month", "text": mine[0]}) + "\n")
    asked = [{"text": of, "segment": own["segment"], "vector_b64": own["vector_b64"]} for of in mine]
    config.with_name("asked.jsonl").write_text("".join(json.dumps(of) + "\n" for of in asked))


def faulty_migration(folder: Path) -> None:
    """Instead of the case: a migration whose backfill says that it is done and lost a chunk."""
    for old in folder.glob("state.db*"):
        shutil.rmtree(old) if old.is_dir() else old.unlink()
    made = migrated(until="backfilled").made
    lost = max(at for at, event in enumerate(made) if isinstance(event, Embed))
    config = write_migration(folder, [*made[:lost], *made[lost + 1 :]])
    assert main(["run", "-c", str(config), "--until-end"]) == 0


def test_every_printed_command_does_what_it_promises(
    ran: Path,
    printed: dict[str, set[str]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for at, command in enumerate(sorted(set().union(*printed.values()))):
        folder = tmp_path / str(at)
        folder.mkdir()
        case = Case(copied_whole(ran, folder), Commands(capsys))
        monkeypatch.chdir(folder)
        words = [EXAMPLES.get(word, word) for word in shlex.split(command)]
        with meanwhile(words, case):
            said = case.run(*words)
        try:
            PROMISES[kind(words)](case, said)
        except AssertionError as error:
            error.add_note(f"corpus-drift {shlex.join(words)}\n{said.out[-2_000:]}{said.err[-2_000:]}")
            raise


def copied_whole(config: Path, folder: Path) -> Path:
    """The case with its index, which is a folder."""
    shutil.copytree(config.parent, folder, dirs_exist_ok=True)
    return folder / config.name
