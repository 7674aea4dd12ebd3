"""What a page is made from, and what a section of it is: one module that makes it, one line in `sections`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from monitor.core.judging.policy import Verdict
from monitor.core.model.report import DriftReport
from monitor.core.records.committed import DeployRecord
from monitor.core.records.published import Published
from monitor.ports import Service

CONFIG = "corpus-drift.toml"
"""The configuration file where none is named."""
Document = Mapping[str, Any]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PageQuery:
    """Which view of the page: a deploy ("": now), a segment (`dimension=value`), an anchor; or an encoder migration,
    a chunk's texts, what is found for some words.

    `explain` asks for the incident card of now (a deploy's comes with it); `refresh`: the plain page loads itself
    again.
    """

    deploy: str = ""
    segment: str = ""
    anchor: str = ""
    explain: bool = False
    refresh: bool = True
    migration: str = ""
    measure: str = ""
    """Which headline measure is shown over time; "" for the first."""
    chunk: str = ""
    find: str = ""

    @property
    def plain(self) -> bool:
        """Whether this is the page that everybody looks at."""
        asked = (self.deploy, self.segment, self.anchor, self.explain, self.migration, self.measure, self.apart)
        return not any(asked)

    @property
    def apart(self) -> bool:
        """Whether something is asked for that is shown alone."""
        return bool(self.chunk or self.find)


@dataclass(frozen=True, slots=True, eq=False)
class PageData:
    """What there is for what was asked: the deploy's record, the incident card, and what is to be said first."""

    record: DeployRecord | None = None
    card: Document | None = None
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Subject:
    """The report that is shown, with its verdict; `old` where the input is stale now."""

    report: DriftReport
    verdict: Verdict
    old: bool
    deploy_id: str

    @classmethod
    def of(cls, view: Published, record: DeployRecord | None) -> "Subject":
        """A judged deploy as it was judged, else the corpus as it is now."""
        if record is not None:
            return cls(record.report, record.verdict, old=False, deploy_id=record.deploy_id)
        old = (view.own.verdict, view.own.reasons) != (view.verdict.verdict, view.verdict.reasons)
        return cls(view.report, view.verdict, old, "")


@dataclass(frozen=True, slots=True, eq=False)
class PageContext:
    """All that a section may be made from.

    Args:
        view: the last published view.
        asked: which view of the page.
        found: what belongs to what was asked.
        subject: the report that is shown.
        config: the configuration file that commands on the page name.
        service: what may be asked of the monitor besides; None where a page is made of the view alone.
    """

    view: Published
    asked: PageQuery
    found: PageData
    subject: Subject
    config: str = CONFIG
    service: Service | None = None
    _made: dict[Callable[..., Any], Any] = field(default_factory=dict, repr=False)

    def once(self, make: "Callable[[PageContext], T]") -> T:
        """What several parts of one page need, worked out by the first that asks."""
        if make not in self._made:
            self._made[make] = make(self)
        return cast("T", self._made[make])


@dataclass(frozen=True, slots=True)
class PageSection:
    """A part of the page.

    Args:
        part: id of its heading, for links.
        title: in the list of parts at the top; "" for none there.
        template: its file. It knows `view`, `asked`, `subject`, `config` and what `made` returns.
        made: what the template shows; None where there is nothing to show. A CorpusDriftError is shown in its place.
    """

    part: str
    title: str
    template: str
    made: Callable[[PageContext], Document | None]
