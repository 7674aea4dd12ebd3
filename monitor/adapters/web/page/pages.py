"""Pages as they are asked for: the plain one is rendered once per published view, however many people look at it."""

from collections.abc import Mapping

from monitor.adapters.web.page.migration import render_migration
from monitor.adapters.web.page.render import CONFIG, PageData, PageQuery, render_page
from monitor.adapters.web.page.words import place, shown
from monitor.core.model.report import ALL, OTHER, DriftReport
from monitor.core.records.committed import DeployRecord
from monitor.core.records.published import Published
from monitor.core.text.wording import duration
from monitor.ports import CorpusDriftError, Service

ASKED_CHARACTERS = 4_096
"""Of a deploy, a segment or an anchor in the address: the longest identifier an event may have, some times over."""


def asked_of(parameters: Mapping[str, str]) -> PageQuery:
    """What an address asks for; parameters that the page does not know are ignored."""
    names = ("deploy", "segment", "anchor", "migration", "measure", "chunk", "find")
    asked = {name: parameters.get(name, "")[:ASKED_CHARACTERS] for name in names}
    explain, refresh = parameters.get("explain") == "now", parameters.get("refresh") != "off"
    return PageQuery(**asked, explain=explain, refresh=refresh)


class Pages:
    """The page over a service.

    Args:
        service: what may be asked of the monitor.
        turn_limit: seconds without a turn of the loop after which a view is old, and the page says so.
        config: the configuration file that commands on the page name.
    """

    def __init__(self, service: Service, turn_limit: float, config: str = CONFIG) -> None:
        self._service, self._turn_limit, self._config = service, turn_limit, config
        self._kept: tuple[Published | None, object, str] = (None, None, "")

    def page(self, asked: PageQuery, now: float) -> str:
        """The page for what was asked.

        Args:
            asked: which view of it.
            now: wall-clock seconds since the epoch, to tell an old view from a new one.
        """
        view = self._service.published()
        late = self._late(view, now)
        if asked.migration and view is not None:
            return render_migration(view.assessment, asked.migration, notices=late, config=self._config)
        if not asked.plain or view is None:
            return self._rendered(view, asked, self._found(view, asked, late))
        held, key, text = self._kept
        # By identity: a view is swapped whole, and comparing two of them would cost more than rendering one.
        if held is not view or key != (asked.refresh, late):
            text = self._rendered(view, asked, PageData(notices=late))
            self._kept = (view, (asked.refresh, late), text)
        return text

    def _rendered(self, view: Published | None, asked: PageQuery, found: PageData) -> str:
        return render_page(view, asked, found, config=self._config, service=self._service)

    def _late(self, view: Published | None, now: float) -> tuple[str, ...]:
        quiet = 0.0 if view is None else now - view.health.turned
        if quiet <= self._turn_limit:
            return ()
        return (f"The monitor's loop has not turned for {duration(quiet)}: what is shown here is that old.",)

    def _found(self, view: Published | None, asked: PageQuery, late: tuple[str, ...]) -> PageData:
        if view is None:
            return PageData(notices=late)
        record = self._service.deploy(asked.deploy) if asked.deploy else None
        if asked.deploy and record is None:
            return PageData(notices=(*late, _unknown_deploy(view, asked.deploy)))
        late = (*late, *_again(view, record))
        if record is None and not (asked.anchor or asked.explain):
            return PageData(
                notices=late
            )  # the card of now costs the loop a measurement: only who asks for it gets it
        report = view.report if record is None else record.report
        try:
            card = self._service.explain(asked.deploy, _explained(report, asked.segment), asked.anchor)
        except CorpusDriftError as error:
            return PageData(record, None, (*late, shown(str(error), 400)))
        return PageData(record, card, late)


def _explained(report: DriftReport, segment: str) -> str:
    """The segment as a card knows it: of anchors, by its own value; "" for everything."""
    of_anchors = {place(of.dimension, of.segment) for of in report.segments if OTHER != of.segment != ALL}
    return segment if segment in of_anchors else ""


def _again(view: Published, record: DeployRecord | None) -> tuple[str, ...]:
    """What is to be known of a deploy's judgement besides its verdict."""
    if record is None:
        return ()
    awaited = view.health.awaited.get(record.deploy_id, "")
    waits = (f"It is judged again when it no longer waits: {shown(awaited, 400)}.",) if awaited else ()
    again = record.judged_again
    return (*waits, f"Judged again at {again}, when the index was at rest and held it.") if again else waits


def _unknown_deploy(view: Published, deploy_id: str) -> str:
    """Why there is no report of a deploy, and what is shown instead."""
    name, now = shown(deploy_id), "What follows is the corpus as it is now."
    if deploy_id in view.health.waiting:
        awaited = view.health.awaited.get(deploy_id, "")
        why = f"it waits: {shown(awaited, 400)}" if awaited else "its markers have not all arrived"
        return f"Deploy {name!r} is not judged yet: {why}. {now}"
    judged = next((entry for entry in view.ledger if entry.deploy_id == deploy_id), None)
    if judged is not None:
        return f"Deploy {name!r} was judged {judged.verdict.upper()}, but its report is no longer kept. {now}"
    return f"Deploy {name!r} was never seen, or is no longer kept. {now}"
