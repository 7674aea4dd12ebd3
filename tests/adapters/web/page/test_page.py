"""The page: everything from outside is text, nothing is loaded from elsewhere, all of it can be read and heard."""

import doctest
import hashlib
import re
import shlex
from base64 import b64encode
from dataclasses import replace

import pytest

from monitor.adapters.web.page import words
from monitor.adapters.web.page.bars import blamed
from monitor.adapters.web.page.render import PageData, PageQuery, render_page
from monitor.adapters.web.page.style import STYLE, content_security_policy
from monitor.adapters.web.page.words import link, shown
from monitor.cli import main
from monitor.core.index.baseline import Judged
from monitor.core.judging.policy import Verdict
from monitor.core.measures.registry import REGISTRY
from monitor.core.model.events import Partition
from monitor.core.model.report import DriftReport, Share, ShareKind
from monitor.core.records.published import Audited, Published
from tests.adapters.pages import crowd, moved, read
from tests.adapters.views import HOSTILE, health, view
from tests.adapters.web.page.test_endpoints import record

NAN = float("nan")
FORBIDDEN = {"script", "img", "iframe", "link", "object", "embed", "base"}


def test_before_the_first_report_it_says_so() -> None:
    found = read(None)
    assert "UNKNOWN" in found.text
    assert "The state is being restored" in found.text
    assert "table" not in found.tags
    assert found.values("http-equiv", "meta") == ["refresh"]


def test_everything_from_outside_is_text() -> None:
    shares = tuple(Share("dense", "source", name, 0.5, 3.0, 2) for name in HOSTILE)
    made = view(HOSTILE, health=health(waiting=HOSTILE, failures=dict.fromkeys(HOSTILE, 1)), corpus=HOSTILE[2])
    asked = PageQuery(deploy=HOSTILE[2], segment=f"source={HOSTILE[2]}", anchor=HOSTILE[0])
    found = read(replace(made, report=replace(made.report, blame=shares)), asked, PageData(notices=HOSTILE))
    assert FORBIDDEN.isdisjoint(found.tags)
    assert (found.values("action"), found.values("name", "input")) == (["/"], ["find"]), "one form, and it is ours"
    assert not [name for _, name, _ in found.attributes if name.startswith("on") or name in ("src", "style")]
    assert all(re.match(r"[/#]", address) and "<" not in address for address in found.values("href"))
    for name in HOSTILE:
        assert found.text.count(shown(name)) >= 4, name  # a segment, a deploy, to blame, waiting


def test_no_name_turns_or_breaks_the_text_around_it() -> None:
    found = read(view(HOSTILE))
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u2028\x00-\x08]", found.text)


def test_the_policy_lets_in_this_style_and_nothing_else() -> None:
    text = render_page(view(["s"]))
    style = text.partition("<style>")[2].partition("</style>")[0]
    assert style == STYLE
    assert "</" not in STYLE
    policy = content_security_policy()
    assert f"style-src 'sha256-{b64encode(hashlib.sha256(style.encode()).digest()).decode()}'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "url(" not in STYLE
    assert "@import" not in STYLE


def test_the_timeline_links_each_deploy_newest_first() -> None:
    ledger = tuple(
        Judged(name, 1_780_000_000_000_000, verdict) for name, verdict in (("a/b", "pass"), ("c d", "fail"))
    )
    found = read(replace(view(["s"]), ledger=ledger))
    addresses = [address for address in found.values("href") if "deploy=" in address]
    assert addresses[-2:] == ["/?deploy=c%20d", "/?deploy=a%2Fb"]
    assert "No deploy was judged yet" in read(replace(view(["s"]), ledger=())).text


def test_blame_is_said_in_numbers_beside_its_bars() -> None:
    shares = tuple(Share("dense", "source", f"s{at}", 0.1, 1.0, 2) for at in range(9))
    shares += (Share("dense", "source", "(others)", 0.15, 1.0, 2, ShareKind.OTHERS),)
    made = view(["s"])
    found = read(replace(made, report=replace(made.report, blame=shares)))
    assert "Dense: 10 changed slots" in found.words
    assert found.text.count("10%, 2 anchors") == 5
    assert "all others 55%" in found.words
    assert found.values("width", "rect") == ["10.00"] * 5
    assert set(found.values("aria-hidden", "svg")) == {"true"}


def test_what_is_not_shown_of_segments_is_no_part_of_a_whole() -> None:
    shares = tuple(Share("dense", "segment", f"language={at}", 0.2, 1.0, 2) for at in range(9))
    (leg,) = blamed(shares)
    assert (len(leg.levels[0].bars), leg.levels[0].rest) == (5, 0.0)


def named(*shares: tuple[str, str, float]) -> str:
    """The head's words with these shares (level, name, share) on the dense leg."""
    made = view(["s"])
    blame = tuple(Share("dense", level, name, share, 10 * share, 2) for level, name, share in shares)
    return read(replace(made, report=replace(made.report, blame=blame))).words.partition("Why")[0]


def test_the_head_names_who_stands_out() -> None:
    assert "Blamed most: crm 60% of dense" in named(("source", "crm", 0.6), ("source", "b", 0.4))
    alone = (("source", "docs", 1.0), ("document", "a.md", 0.7), ("document", "b.md", 0.3))
    assert "Blamed most: a.md 70% of dense" in named(*alone), "one source says nothing"
    assert "Blamed most" not in named(*(("source", f"s{at}", 0.05) for at in range(20)))
    assert "Blamed most" not in named()


def test_the_head_says_which_deploy_one_can_go_back_to() -> None:
    said = (("d1", "pass"), ("d2", "pass"), ("d3", "fail"), ("d4", "pass"), ("d5", "unknown"))
    made = replace(view(["s"]), ledger=tuple(Judged(name, 1_780_000_000_000_000, how) for name, how in said))
    assert "Last deploy that passed: d4, 2026-05-28" in read(failing(made)).words
    assert "Last deploy that passed" not in read(replace(made, verdict=Verdict("pass", (), ()))).words
    assert "Last deploy that passed" not in read(replace(failing(made), ledger=made.ledger[2:3])).words
    then = replace(record(), deploy_id="d3", verdict=Verdict("fail", ("why",), ()))
    assert "Last deploy that passed: d2" in read(made, PageQuery(deploy="d3"), PageData(then)).words


def failing(made: Published) -> Published:
    return replace(made, verdict=Verdict("fail", ("why",), ()))


def test_what_fails_is_said_in_words_as_well() -> None:
    found = read(moved(("language", "de", 4.0)))
    assert "new_results mean@10 dense language=de" in found.words
    assert f"new_results: {REGISTRY.entries['new_results'].help}." in found.words
    assert REGISTRY.entries["rbo_ratio"].help not in found.words, "nothing failed on it"


def test_no_baseline_says_what_to_do() -> None:
    made = view(["s"])
    found = read(replace(made, report=replace(made.report, baseline=None, measurements=(), segments=())))
    assert "No approved baseline yet" in found.text
    assert "corpus-drift baseline approve" in found.text
    assert "nothing is known to be calm" in found.text


def test_the_commands_on_the_page_are_ours(capsys: pytest.CaptureFixture[str]) -> None:
    made = view(["s"])
    text = read(replace(made, report=replace(made.report, baseline=None))).text
    commands = re.findall(r"corpus-drift (baseline [^\n]+)", text)
    assert len(commands) == 4
    for command in commands:
        assert main([*shlex.split(command), "--help"]) == 0, capsys.readouterr().err


def test_the_examples_in_docstrings_run() -> None:
    found = doctest.testmod(words)
    assert (found.failed, found.attempted > 5) == (0, True)


def test_the_baseline_is_identified() -> None:
    text = read(view(["s"])).words
    for said in ("Name main", "2026-02-02 02:40 UTC", "After deploy d0", "Approved by s", "set-up f"):
        assert said in text


def test_no_lag_is_not_lag_zero() -> None:
    assert "Lag not known" in read(view(["s"], health=health(lag=None))).words.replace("!", "").replace("  ", " ")
    assert "Lag 0 events" in read(view(["s"], health=health(lag={Partition("events", 0): 0}))).words
    assert "Lag not known of 1" in read(view(["s"], health=health(lag={}))).words.replace("!", "").replace("  ", " ")
    assert "events/0: 3" in read(view(["s"], health=health(lag={Partition("events", 0): 3}))).words


def test_the_pipeline_says_what_is_wrong_with_it() -> None:
    audits = {"dense": Audited(3, 40, 1.7e9, 0.1), "lexical": Audited(skipped="variant")}
    seen = health(audits=audits, waiting=("d9",), last_commit=1.7e9 - 7_200, index_points=58)
    text = read(view(["s"], health=seen)).words
    for said in (
        "3 results disagree",
        "skipped: variant",
        "markers still missing: d9",
        "2 h before this view",
        "never since this start",
        "deadline: 2",
        "not_json: 2",
        "2 fewer than live chunks",
        "reload the corpus",
        "p95 2.0 ms",
    ):
        assert said in text, said
    assert "not yet" in read(view(["s"], health=health(audits={"dense": Audited()}))).words


@pytest.mark.parametrize("now", [0, 1, 253_402_300_799_000_000, -62_135_596_800_000_000])
def test_any_event_time_can_be_shown(now: int) -> None:
    made = view(["s"])
    report: DriftReport = replace(made.report, now=now)
    assert ("No event yet" in read(replace(made, report=report)).text) == (now == 0)


def test_headings_and_tables_are_named_for_those_who_listen() -> None:
    found = read(crowd(20), PageQuery(segment="all"))
    assert found.tags.count("h1") == 1
    assert found.tags.count("table") == found.tags.count("caption") == 3
    assert {"col", "row", "colgroup"} <= set(found.values("scope", "th"))
    assert len(set(found.values("id"))) == len(found.values("id"))
    assert set(found.values("aria-labelledby")) <= set(found.values("id"))
    assert {address[1:] for address in found.values("href") if address[0] == "#"} <= set(found.values("id"))
    assert found.values("lang", "html") == ["en"]


def test_the_plain_page_refreshes_until_told_not_to() -> None:
    assert read(view(["s"])).values("http-equiv") == ["refresh"]
    assert "/?refresh=off" in read(view(["s"])).values("href")
    for asked in (PageQuery(refresh=False), PageQuery(segment="all"), PageQuery(deploy="d1")):
        assert read(view(["s"]), asked).values("http-equiv") == []


def test_addresses_carry_any_name() -> None:
    assert link(deploy="a&b=c#d", segment="x=ü") == "/?deploy=a%26b%3Dc%23d&segment=x%3D%C3%BC#segment"
    assert link(deploy="\ud800") == "/?deploy=%3F"
    assert link() == "/"


def luminance(color: str) -> float:
    full = "".join(2 * c for c in color[1:]) if len(color) == 4 else color[1:]
    parts = [int(full[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_has_the_contrast_of_wcag_aa(scheme: str) -> None:
    light, dark = STYLE.partition("@media (prefers-color-scheme: dark)")[::2]
    colors = dict(re.findall(r"--([\w-]+): (#[0-9a-f]+)", light if scheme == "light" else dark.partition("* {")[0]))
    pairs = [("ink", on) for on in ("paper", "panel", "low", "some", "high", "blank")]
    pairs += [(of, on) for of in ("soft", "link", "good", "bad", "odd") for on in ("paper", "panel")]
    pairs += [(of, on) for of in ("ink", "soft") for on in ("came", "went")]
    found = {pair: contrast(colors[pair[0]], colors[pair[1]]) for pair in pairs}
    assert {pair: ratio for pair, ratio in found.items() if ratio < 4.5} == {}
