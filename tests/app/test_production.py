"""Production beside the legs in the real loop: asked over HTTP, overheard in a log, restarted, down, not there."""

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from monitor.adapters.prometheus.exporter import MetricsPage
from monitor.adapters.web.page.render import render_page
from monitor.app.card_text import explain_card
from monitor.app.configuration import load
from monitor.app.explaining import stored_card
from monitor.app.loop import Monitor
from monitor.cli import main
from monitor.core.explain.card import CardQuery
from monitor.core.index.baseline import Approval
from monitor.core.judging.policy import Verdict
from monitor.core.model.report import DriftReport
from monitor.ports import ConfigurationError
from tests.app.loops import opened, to_end
from tests.kafka_mock import API_VERSION, mock_cluster
from tests.retriever import Retriever, serving

WORDS = ["rotate", "revoke", "audit", "export", "import", "archive", "restore", "delete", "verify", "publish"]
COUNT = 60
PAUSE = threading.Event()
APPROVAL = Approval("an engineer", "looked at it", "")


def text(at: int) -> str:
    return f"how to {WORDS[at % 10]} item{at} of group{at % 5}"


TEXTS = {f"c{at}": text(at) for at in range(COUNT)}


def upsert(name: str, said: str, time: int) -> dict[str, object]:
    stamp = f"2026-01-01T00:{time // 60:02}:{time % 60:02}Z"
    return {
        "op": "upsert",
        "chunk_id": name,
        "doc_id": name,
        "text": said,
        "event_time": stamp,
        "version": time + 1,
    }


def deploy(name: str) -> dict[str, object]:
    return {"op": "deploy", "deploy_id": name, "event_time": "2026-01-01T01:00:00Z"}


class Case:
    """A folder with events, anchors and a configuration; what is appended is read as the file grows."""

    def __init__(self, folder: Path, production: str) -> None:
        self.folder, self.config = folder, folder / "corpus-drift.toml"
        anchors = [{"id": f"a{at}", "text": text(at)} for at in range(COUNT)]
        (folder / "anchors.jsonl").write_text("".join(json.dumps(of) + "\n" for of in anchors))
        (folder / "events.jsonl").write_text("")
        self.add(*(upsert(name, said, at) for at, (name, said) in enumerate(TEXTS.items())), deploy("d0"))
        self.config.write_text(f"""
[source.file]
path = "events.jsonl"
follow = true
[dense]
engine = "none"
[measure]
depths = [5]
[policy]
bounds = false
[anchors]
path = "anchors.jsonl"
[baseline]
bootstrap = "first-deploy"
[http]
port = 0
[state]
path = "state.db"
{production}
""")

    def add(self, *events: dict[str, object]) -> None:
        with (self.folder / "events.jsonl").open("a") as file:
            file.writelines(json.dumps(event) + "\n" for event in events)


DIFY = """[production]
preset = "dify"
url = "{url}/retrieval"
parameters = {{ knowledge_id = "kb" }}
rate = 1000.0
"""


@contextmanager
def asked(folder: Path, retriever: Retriever, extra: str = "") -> Iterator[Case]:
    with serving(retriever) as url:
        yield Case(folder, DIFY.format(url=url) + extra)


def run_to(monitor: Monitor) -> tuple[DriftReport, Verdict]:
    """Until everything that stands in the file is taken; the newest deploy's report."""
    for _ in range(50):
        if not monitor.turn(0.05):
            break
    record = monitor.parts.store.deploy(monitor.ledger[-1].deploy_id)
    assert record is not None
    return record.report, record.verdict


def value(report: DriftReport, metric: str) -> float:
    found = [of for of in report.measurements if (of.metric, of.leg, of.stat) == (metric, "production", "mean")]
    return next(of.value for of in found if of.dimension == "all")


def causes(report: DriftReport) -> list[str]:
    return [of.cause for of in report.causes]


def test_a_deploy_that_changes_nothing_passes_on_three_legs(tmp_path: Path) -> None:
    retriever = Retriever(TEXTS)
    with asked(tmp_path, retriever) as case, opened(case.config) as monitor:
        run_to(monitor)
        case.add(upsert("c0", text(0), 100), deploy("d1"))
        report, verdict = run_to(monitor)
        assert verdict.verdict == "pass"
        assert {of.leg for of in verdict.findings} >= {"lexical", "production"}
        assert value(report, "production_unmapped_ratio") == 0.0
        assert value(report, "production_noise_swaps") == 0.0
        assert value(report, "production_explained_ratio") > 0.9
        assert "PRODUCTION" not in causes(report)
        snapshot = monitor.session.baseline
        assert snapshot is not None
        assert snapshot.lists["production"].known.all()
        assert len(retriever.asked) == 4 * COUNT, "two deploys, two calls"


def test_a_reranker_that_broke_is_production(tmp_path: Path) -> None:
    retriever = Retriever(TEXTS)
    with asked(tmp_path, retriever) as case, opened(case.config) as monitor:
        run_to(monitor)
        retriever.rerank = lambda ranked: list(reversed(ranked))
        case.add(upsert("c0", text(0), 100), deploy("d1"))
        report, verdict = run_to(monitor)
        assert verdict.verdict == "fail"
        assert causes(report)[0] == "PRODUCTION"
        assert value(report, "kept_answers_ratio") < 0.5
        assert {of.leg for of in verdict.findings if of.verdict == "fail"} == {"production"}
        card = stored_card(monitor.parts.store, "d1", CardQuery(), monitor.operations.card_context("c"))
        assert {of["leg"] for of in card["anchors"]} == {"production"}
        assert {of["leg"] for of in card["size"]} == {"lexical", "production"}
        shown = explain_card(card)
        assert "PRODUCTION" in shown
        assert "look at the retriever's last change" in shown
        text_ = MetricsPage().render(monitor.published).decode()
        assert 'corpus_drift_cause_slots{cause="PRODUCTION"}' in text_ or 'cause="PRODUCTION"' in text_
        assert 'corpus_drift_swaps{dimension="all"' in text_ or 'leg="production"' in text_
        assert "corpus_drift_last_production_timestamp_seconds" in text_
        page = render_page(monitor.published)
        assert "Production, as users get it" in page
        assert "Moved by reranking" in page


def test_documents_that_were_lost_are_the_corpus(tmp_path: Path) -> None:
    texts = dict(TEXTS)
    with asked(tmp_path, Retriever(texts)) as case, opened(case.config) as monitor:
        run_to(monitor)
        for at in range(12):
            del texts[f"c{at}"]
        case.add(
            *(
                {"op": "delete", "chunk_id": f"c{at}", "event_time": "2026-01-01T00:30:00Z", "version": 999}
                for at in range(12)
            ),
            deploy("d1"),
        )
        report, verdict = run_to(monitor)
        assert verdict.verdict == "fail"
        assert causes(report)[0] == "CORPUS"
        assert "PRODUCTION" not in causes(report)


def test_a_retriever_that_answers_otherwise_each_time_has_noise_and_no_cause(tmp_path: Path) -> None:
    calls = iter(range(1_000_000))

    def shuffled(ranked: Sequence[str]) -> list[str]:
        """The fifth place is one or another's, by turns of a whole replay's calls."""
        turn = next(calls) // COUNT % 2
        return [*ranked[:4], *ranked[4 + turn : 6 + turn]]

    with asked(tmp_path, Retriever(TEXTS, rerank=shuffled)) as case, opened(case.config) as monitor:
        run_to(monitor)
        case.add(upsert("c0", text(0), 100), deploy("d1"))
        report, verdict = run_to(monitor)
        assert value(report, "production_noise_swaps") > 0.5
        assert "PRODUCTION" not in causes(report)
        assert verdict.verdict == "pass"


@pytest.mark.parametrize("status", [401, 500])
def test_a_retriever_that_is_down_is_unknown_and_says_why(tmp_path: Path, status: int) -> None:
    retriever = Retriever(TEXTS)
    with asked(tmp_path, retriever) as case, opened(case.config) as monitor:
        run_to(monitor)
        retriever.failing = status
        case.add(upsert("c0", text(0), 100), deploy("d1"))
        report, verdict = run_to(monitor)
        assert verdict.verdict == "unknown"
        reason = {401: "refused", 500: "server_error"}[status]
        assert any(reason in of for of in verdict.reasons)
        assert report.problems == ()
        health = monitor.parts.production
        assert health is not None
        assert health.health().failures == {reason: COUNT}


def test_no_first_baseline_from_a_retriever_that_does_not_answer(tmp_path: Path) -> None:
    with asked(tmp_path, Retriever(TEXTS, failing=500)) as case, opened(case.config) as monitor:
        run_to(monitor)
        assert monitor.session.baseline is None


def test_a_baseline_without_production_is_another_set_up(tmp_path: Path) -> None:
    case = Case(tmp_path, "")
    with opened(case.config) as monitor:
        run_to(monitor)
    with serving(Retriever(TEXTS)) as url:
        case.config.write_text(case.config.read_text() + DIFY.format(url=url))
        with opened(case.config) as monitor:
            case.add(upsert("c0", text(0), 100), deploy("d1"))
            report, verdict = run_to(monitor)
            assert verdict.verdict == "unknown"
            assert any("production" in of.text for of in report.problems)
            monitor.operations.accept("with-production", APPROVAL)
            case.add(upsert("c0", text(0), 101), deploy("d2"))
            assert run_to(monitor)[1].verdict == "pass"


def test_without_production_nothing_is_asked_and_nothing_is_said(tmp_path: Path) -> None:
    case = Case(tmp_path, "")
    with opened(case.config) as monitor:
        report, _ = run_to(monitor)
        assert "production" not in json.dumps([of.metric + of.leg for of in report.measurements])
        assert not [rule for rule in monitor.parts.rules if rule.leg == "production"]
        assert monitor.parts.production is None
        view = monitor.published
        assert "production" not in MetricsPage().render(view).decode().lower().replace("production's", "")
        assert "Production, as users get it" not in render_page(view)
        assert monitor.session.baseline is not None
        assert "production" not in monitor.session.baseline.lists
        assert monitor.session.baseline.fingerprint.others == ()


def test_the_state_keeps_productions_lists(tmp_path: Path) -> None:
    with asked(tmp_path, Retriever(TEXTS)) as case:
        with opened(case.config) as monitor:
            run_to(monitor)
            before = monitor.session.baseline
        with opened(case.config) as monitor:
            after = monitor.session.baseline
            assert before is not None
            assert after is not None
            assert after.again is not None
            assert before.again is not None
            assert (after.lists["production"].keys == before.lists["production"].keys).all()
            assert (after.again.keys == before.again.keys).all()


# ---------------------------------------------------------------- overheard


def searched(folder: Path, *made: tuple[str, Sequence[str]]) -> None:
    with (folder / "searches.jsonl").open("a") as file:
        for query, names in made:
            file.write(json.dumps({"user_query": query, "query_response_hit_ids": list(names)}) + "\n")


OVERHEARD = """[production.log]
path = "searches.jsonl"
"""


def heard(monitor: Monitor) -> DriftReport:
    """Look at the log now, as an idle turn of a second later does, and report."""
    production = monitor.parts.production
    assert production is not None
    production.look(monitor.session.mapping())
    monitor.session.observe_production(production.lists)
    return monitor.session.report()


def lists_of(at: int) -> list[str]:
    return Retriever(TEXTS).ranked(text(at))[:5]


def test_what_users_were_served_is_compared_without_a_query_of_ours(tmp_path: Path) -> None:
    (tmp_path / "searches.jsonl").write_text("")
    case = Case(tmp_path, OVERHEARD)
    with opened(case.config) as monitor:
        run_to(monitor)
        searched(tmp_path, *((f"  {text(at).upper()} ", lists_of(at)) for at in range(40)), ("unheard of", ["c1"]))
        with (tmp_path / "searches.jsonl").open("a") as file:
            file.write("{not json\n")
        heard(monitor)
        production = monitor.parts.production
        assert production is not None
        health = production.health()
        assert health.failures == {"not_overheard": 20}
        assert health.skipped == {"no_anchor": 1, "unreadable": 1}
        monitor.operations.accept("heard", APPROVAL)
        assert monitor.session.baseline is not None
        assert int(monitor.session.baseline.lists["production"].known.sum()) == 40
        served = [(text(at), ["c50", *lists_of(at)[1:]]) for at in range(30)]
        searched(tmp_path, *served)
        report = heard(monitor)
        assert value(report, "kept_answers_ratio") == pytest.approx(0.25)
        assert "PRODUCTION" not in causes(report), "one list that differs from the one before may be chance"
        searched(tmp_path, *served)
        assert "PRODUCTION" in causes(heard(monitor)), "the next one says the same"
        case.add(upsert("c0", text(0), 100), deploy("d1"))
        report, verdict = run_to(monitor)
        assert verdict.verdict == "pass", "what is only overheard never decides: nobody has searched yet"
        assert any(of.leg == "production" and of.verdict == "unknown" for of in verdict.findings)


def test_a_restart_loses_nothing_of_what_was_overheard(tmp_path: Path) -> None:
    (tmp_path / "searches.jsonl").write_text("")
    case = Case(tmp_path, OVERHEARD)
    with opened(case.config) as monitor:
        run_to(monitor)
        searched(tmp_path, *((text(at), lists_of(at)) for at in range(40)))
        heard(monitor)
        case.add(upsert("c0", text(0), 100))
        assert to_end(monitor, 10) or True
        monitor.turn(0.0)
        before = monitor.session.lists()["production"]
    searched(tmp_path, (text(55), lists_of(55)))
    with opened(case.config) as monitor:
        heard(monitor)
        after = monitor.session.lists()["production"]
        assert (after.keys[:40] == before.keys[:40]).all()
        assert after.known[:40].all()
        assert after.known[55], "and it goes on behind its place in the log"
        assert int(after.known.sum()) == 41


def test_two_searches_at_one_position_are_two_calls(tmp_path: Path) -> None:
    (tmp_path / "searches.jsonl").write_text("")
    case = Case(tmp_path, OVERHEARD)
    with opened(case.config) as monitor:
        run_to(monitor)
        for last in ("c58", "c59"):
            searched(tmp_path, *((text(at), [*lists_of(at)[:4], last]) for at in range(30)))
        heard(monitor)
        monitor.operations.accept("heard", APPROVAL)
        assert value(monitor.session.report(), "production_noise_swaps") == pytest.approx(1.0)
        case.add(upsert("c0", text(0), 100))
        monitor.turn(0.0)
        searched(tmp_path, (text(1), [*lists_of(1)[:4], "c57"]))
        report = heard(monitor)
        noise = [of for of in report.measurements if of.metric == "production_noise_swaps" and of.stat == "mean"]
        assert noise[0].n == 29, "a list after a change is no second call to one before it"


def test_a_topic_of_searches_is_read_on_behind_its_place(tmp_path: Path) -> None:
    def record(at: int) -> tuple[bytes, bytes]:
        found = {"user_query": text(at), "query_response_hit_ids": lists_of(at)}
        return b"", json.dumps(found).encode()

    with mock_cluster() as cluster:
        topic = cluster.create("searches", 2)
        section = f"""[production.log]
topic = "{topic}"
bootstrap_servers = ["{cluster.bootstrap}"]
api_version = {list(API_VERSION)}
"""
        case = Case(tmp_path, section)
        with opened(case.config) as monitor:
            run_to(monitor)  # what was searched before a deploy says nothing of it
            cluster.produce(topic, 0, [record(at) for at in range(20)])
            cluster.produce(topic, 1, [record(at) for at in range(20, 40)])
            assert eventually(lambda: heard_of(monitor) == 40)
            case.add(upsert("c0", text(0), 100))
            eventually(lambda: monitor.turn(0.05))
        cluster.produce(topic, 1, [record(45)])
        with opened(case.config) as monitor:
            assert heard_of(monitor) >= 40, "kept with the state"
            assert eventually(lambda: heard_of(monitor) == 41)


def heard_of(monitor: Monitor) -> int:
    heard(monitor)
    return int(monitor.session.lists()["production"].known.sum())


def eventually(happened: Callable[[], bool]) -> bool:
    return any(happened() for _ in range(400) if not PAUSE.wait(0.02))


def test_a_commit_that_is_lost_takes_its_searches_back_with_it(tmp_path: Path) -> None:
    """Lists and place in the log are one transaction: what was not committed is read again."""
    (tmp_path / "searches.jsonl").write_text("")
    case = Case(tmp_path, OVERHEARD)
    with opened(case.config) as monitor:
        run_to(monitor)
        searched(tmp_path, *((text(at), lists_of(at)) for at in range(10)))
        heard(monitor)
        case.add(upsert("c0", text(0), 100))
        while monitor.turn(0.05):
            pass
        searched(tmp_path, *((text(at), lists_of(at)) for at in range(10, 20)))
        assert heard_of(monitor) == 20
    with opened(case.config) as monitor:  # it ended without another commit, as by a kill
        assert int(monitor.session.lists()["production"].known.sum()) == 20
        production = monitor.parts.production
        assert production is not None
        assert production.health().failures == {"not_overheard": COUNT - 20}


# ---------------------------------------------------------------- configuration


LOGGED = """[production.log]
topic = "searches"
bootstrap_servers = ["localhost:9"]
security_protocol = "SASL_SSL"
"""


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ("[production]\n", "expected either url, or the table [production.log]"),
        ('[production]\nurl = "http://h/"\n', "expected body, and id or text"),
        ('[production]\npreset = "dify"\nurl = "http://h/"\n', "expected production.parameters.knowledge_id"),
        ('[production]\npreset = "difi"\nurl = "http://h/"\n', "production.preset = 'difi'"),
        ('[production]\npreset = "openai"\nurl = "http://h/"\ntoken = "x"\n', "a secret in the file"),
        ('[production.log]\npath = "a"\ntopic = "b"\n', "expected either path, or topic and bootstrap_servers"),
        (f"{LOGGED}sasl_mechanism = 'PLAIN'\n", "production.log: kafka.sasl_username is empty"),
        (f"{LOGGED}ca_file = 'ca.pem'\ncertificate_file = 'c.pem'\n", "production.log: kafka."),
        ('[production]\nurl = "h"\nid = "i"\nbody = { q = "{text}" }\n', "expected http://HOST[:PORT]/PATH"),
        ('[production]\nurl = "http://h/"\nid = "i"\nbody = { q = "{vector}" }\n', "the dense leg is off"),
    ],
)
def test_a_section_that_cannot_be_meant_is_one_clear_line(tmp_path: Path, section: str, said: str) -> None:
    case = Case(tmp_path, section)
    with pytest.raises(ConfigurationError) as refused, opened(case.config):
        pass
    assert said in str(refused.value)


def test_a_retriever_is_tried_before_the_monitor_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    retriever = Retriever(TEXTS)
    with asked(tmp_path, retriever) as case:
        assert main(["check-config", "-c", str(case.config), "--connect"]) == 0
        assert "5 results for anchor 'a0', 5 with a text, the first: c0" in capsys.readouterr().out
        retriever.failing = 401
        assert main(["check-config", "-c", str(case.config), "--connect"]) == 3
        assert "UNKNOWN: refused: HTTP 401" in capsys.readouterr().out


def test_secrets_come_from_the_environment_and_are_never_shown(tmp_path: Path) -> None:
    case = Case(tmp_path, DIFY.format(url="http://127.0.0.1:9"))
    environment = {
        "CORPUS_DRIFT_PRODUCTION__TOKEN": "a-secret",
        "CORPUS_DRIFT_PRODUCTION__SECRET_HEADERS": '{"X-Key": "another"}',
    }
    configuration = load(case.config, environment)
    assert configuration.production is not None
    assert configuration.production.token.get_secret_value() == "a-secret"
    assert "a-secret" not in repr(configuration)
    assert "another" not in repr(configuration)
