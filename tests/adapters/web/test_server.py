"""The endpoints over real sockets: what each answers, what each refuses, and that nothing hostile gets through."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from urllib.parse import urlsplit

import numpy as np
import pytest

from monitor.adapters.web.server import HttpServer, HttpSettings
from monitor.core.index.baseline import Approval
from monitor.core.judging.policy import Verdict
from monitor.core.model.report import VerdictName
from monitor.core.records.committed import DeployRecord
from monitor.core.records.published import Published
from monitor.core.shards.messages import ShardStatus
from monitor.ports import ConfigurationError, UnreachableError
from tests.adapters.pasts import past
from tests.adapters.serving import Reply, Served, Shown, served
from tests.adapters.views import HOSTILE, health, view
from tests.contracts.stores import snapshot

TAKEN = replace(snapshot(np.random.default_rng(0)), name="main")
SECRET = "s3cret-token"
PATHS = ("/", "/metrics", "/healthz", "/readyz", "/api/v1/report", "/api/v1/gate?deploy=d", "/gate/check?deploy=d")
POSTS = {
    "/api/v1/baselines/capture": {"name": "main"},
    "/api/v1/baselines/approve": {"name": "main", "author": "ann", "reason": "seen", "time": "now"},
    "/api/v1/deploys": {"deploy": "d9"},
    "/api/v1/quarantine/replay": {},
}


def shown() -> Published:
    return view(["s"], health=health(turned=time.time()))


def record(verdict: VerdictName) -> DeployRecord:
    report = view(["s"]).report
    return DeployRecord("d1", 1, Verdict(verdict, ("because",), ()), report, TAKEN)


def checked(reply: Reply) -> Reply:
    """Strict headers on every answer, whatever it is."""
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["x-frame-options"] == "DENY"
    assert reply.headers["cache-control"] == "no-store"
    assert "default-src 'none'" in reply.headers["content-security-policy"]
    assert "server" not in reply.headers
    return reply


@contextmanager
def serving(service: Shown | None = None, **settings: object) -> Iterator[Served]:
    given = HttpSettings(port=0, **settings)  # type: ignore[arg-type]  # by name
    with served(service or Shown(shown()), given) as at:
        yield at


def test_the_past_is_bounded_by_what_was_asked() -> None:
    with served(Shown(view(["s"]), past=past([("all", "all")], deploys=9, hours=3))) as at:
        for query, counts in (("", (9, 3)), ("?deploys=2&hours=1", (2, 1)), ("?deploys=99999&hours=0", (9, 0))):
            found = at.ask(f"/api/v1/history{query}").json()
            assert (len(found["deploys"]), len(found["hours"])) == counts
        refused = at.ask("/api/v1/history?deploys=many")
        assert (refused.status, "expected whole numbers" in refused.json()["error"]) == (400, True)


def test_every_path_answers_before_the_first_report() -> None:
    with serving(Shown()) as at:
        status = {path: checked(at.ask(path)).status for path in PATHS}
        assert b"UNKNOWN" in at.ask("/").content
        assert b'corpus_drift_verdict{verdict="unknown"} 1.0' in at.ask("/metrics").content
    assert status == dict(zip(PATHS, (200, 200, 200, 503, 503, 200, 503), strict=True))


def test_every_path_answers() -> None:
    with serving() as at:
        status = {path: checked(at.ask(path)).status for path in PATHS}
        assert at.ask("/metrics").headers["content-type"].startswith("text/plain; version=0.0.4")
        assert at.ask("/api/v1/report").json()["verdict"]["verdict"] == "fail"
        assert at.ask("/api/v1/baselines").json() == []
    assert status == dict(zip(PATHS, (200, 200, 200, 200, 200, 200, 503), strict=True))


@pytest.mark.parametrize(
    ("verdict", "status"), [("pass", 200), ("fail", 409), ("inconclusive", 503), ("unknown", 503)]
)
def test_the_gate_says_it_in_the_body_and_the_check_in_the_status_too(verdict: VerdictName, status: int) -> None:
    with serving(Shown(shown(), {"d1": record(verdict)})) as at:
        gate, check = at.ask("/api/v1/gate?deploy=d1"), at.ask("/gate/check?deploy=d1")
        posted = at.ask("/gate/check?deploy=d1", method="POST", body=b"whatever a webhook sends")
    assert (gate.status, check.status, posted.status) == (200, status, status)
    assert gate.json() == check.json() == posted.json()
    assert (gate.json()["verdict"], gate.json()["state"]) == (verdict, "judged")


def test_a_deploy_that_is_not_judged_is_unknown_and_says_why() -> None:
    seen = replace(shown(), health=health(waiting=("d2",)))
    with serving(Shown(seen)) as at:
        said = {name: at.ask(f"/api/v1/gate?deploy={name}").json() for name in ("d2", "d3", "s")}
        assert at.ask("/api/v1/gate").status == 400
        assert at.ask("/api/v1/report?deploy=d3").status == 404
    assert {name: (one["state"], one["verdict"]) for name, one in said.items()} == {
        "d2": ("waiting", "unknown"),
        "d3": ("unseen", "unknown"),
        "s": ("forgotten", "unknown"),  # in the ledger, but its report is no longer kept
    }


def test_health_follows_the_turns_of_the_loop() -> None:
    old = replace(shown(), health=health(turned=time.time() - 100))
    with serving(Shown(old)) as at:
        assert at.ask("/healthz").status == 503
        assert b"no turn for 100 s, expected at most 60" in at.ask("/healthz").content
    with serving(Shown(old), turn_limit=200.0) as at:  # where a replay may take longer
        assert at.ask("/healthz").status == 200


def test_a_shard_that_is_away_is_not_ready_and_named_by_both_probes() -> None:
    shards = (ShardStatus(0, 3, {}, 5), ShardStatus(1, 3, {}, 5, away="node lost"))
    with serving(Shown(replace(shown(), health=health(turned=time.time(), shards=shards)))) as at:
        alive, ready = at.ask("/healthz"), at.ask("/readyz")
    assert (alive.status, ready.status) == (200, 503)  # a new start would not bring it back
    assert alive.content == ready.content == b"shard 1 of 2: away (node lost); expected it back\n"


def test_without_the_token_there_is_nothing_but_health() -> None:
    service = Shown(shown(), captured=[TAKEN])
    refused = {}
    with serving(service, token=SECRET) as at:
        for given in (
            {},
            {"authorization": "Bearer wrong"},
            {"authorization": f"Basic {SECRET}"},
            {"authorization": SECRET},
        ):
            for path in (*PATHS, "/no/such/path"):
                refused[path, str(given)] = checked(at.ask(path, headers=given))
            for path, document in POSTS.items():
                refused[path, str(given)] = checked(at.post(path, document, **given))
        good = {"authorization": f"Bearer {SECRET}"}
        assert [at.ask(path, headers=good).status for path in ("/", "/metrics")] == [200, 200]
        assert at.post("/api/v1/baselines/capture", {"name": "main"}, **good).status == 200
    status = {path: reply.status for (path, _), reply in refused.items()}
    assert status == {**dict.fromkeys((*PATHS, *POSTS, "/no/such/path"), 401), "/healthz": 200, "/readyz": 200}
    said = {reply.content for reply in refused.values() if reply.status == 401}
    assert said == {b'{"error":"authorization: expected a bearer token"}'}  # whatever was wrong with it
    assert all(reply.headers["www-authenticate"] == "Bearer" for reply in refused.values() if reply.status == 401)
    assert service.asked == [("capture", "main")]


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:9464", "127.0.0.1.evil.example", "", "[::2]:1", "0.0.0.0"]
)
def test_on_loopback_only_a_loopback_name_may_be_asked_for(host: str) -> None:
    with serving(Shown(shown(), captured=[TAKEN])) as at:
        reply = checked(at.ask("/api/v1/baselines", headers={"host": host}))
        assert at.post("/api/v1/baselines/capture", {"name": "main"}, host=host).status == 421
    assert reply.status == 421
    assert b"expected one of 127.0.0.1, ::1, localhost" in reply.content


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:1", "LocalHost", "[::1]", "[::1]:9464", "127.0.0.1:80"])
def test_every_form_of_a_loopback_name_is_served(host: str) -> None:
    with serving() as at:
        assert at.ask("/readyz", headers={"host": host}).status == 200


def test_another_loopback_address_is_guarded_as_well() -> None:
    with serving(host="127.0.0.2") as at:
        assert at.ask("/readyz").status == 200
        assert at.ask("/readyz", headers={"host": "evil.example"}).status == 421


def test_what_is_posted_is_done() -> None:
    service = Shown(shown(), captured=[TAKEN])
    with serving(service) as at:
        replies = [at.post(path, document) for path, document in POSTS.items()]
    assert [reply.status for reply in replies] == [200] * len(POSTS)
    assert replies[0].json()["name"] == "main"
    assert replies[2].json() == {"deploy": "d9", "state": "waiting"}
    assert service.asked == [
        ("capture", "main"),
        ("approve", "main", Approval("ann", "seen", "now")),
        ("deploy", "d9"),
        ("retry",),
    ]


@pytest.mark.parametrize(
    ("content", "kind", "said"),
    [
        (b'{"name": "main"}', "text/plain", "content-type: expected application/json"),
        (b"name=main", "application/x-www-form-urlencoded", "content-type: expected application/json"),
        (b"", "application/json", "body: Input data was truncated"),
        (b"{", "application/json", "body: "),
        (b"[]", "application/json", "body: Expected `object`, got `array`"),
        (b"{}", "application/json", "missing required field `name`"),
        (b'{"name": 7}', "application/json", "Expected `str`, got `int`"),
        (b'{"name": null}', "application/json", "Expected `str`, got `null`"),
        (b'{"name": "a", "more": 1}', "application/json", "unknown field `more`"),
        (b'{"name": "\xff"}', "application/json", "body: "),
        (b'{"name": "' + b"x" * 70_000 + b'"}', "application/json", "body: more than 65536 bytes"),
        (b"[" * 60_000, "application/json", "body: "),
    ],
)
def test_a_body_is_exactly_what_is_expected(content: bytes, kind: str, said: str) -> None:
    service = Shown(shown(), captured=[TAKEN])
    with serving(service) as at:
        path = "/api/v1/baselines/capture"
        reply = checked(at.ask(path, method="POST", body=content, headers={"content-type": kind}))
        assert at.ask("/readyz").status == 200
    assert reply.status == 400
    assert said in reply.json()["error"]
    assert service.asked == []


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "Application/JSON ;charset=utf-8"])
def test_a_content_type_may_have_parameters(kind: str) -> None:
    with serving(Shown(shown(), captured=[TAKEN])) as at:
        asked = at.ask(
            "/api/v1/baselines/capture", method="POST", body=b'{"name":"main"}', headers={"content-type": kind}
        )
        assert asked.status == 200


def test_a_body_without_an_end_is_cut_off() -> None:
    with serving() as at, socket.create_connection(("127.0.0.1", urlsplit(at.url).port), timeout=60) as raw:
        head = "POST /api/v1/deploys HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
        raw.sendall(f"{head}transfer-encoding: chunked\r\n\r\n".encode())
        for _ in range(5):
            raw.sendall(b"4000\r\n" + b" " * 0x4000 + b"\r\n")
        assert b" 400 " in raw.recv(64)


def test_other_paths_and_methods_are_refused() -> None:
    with serving() as at:
        assert [at.ask(path).status for path in ("/nothing", "/api/v1/", "/metrics/", "//", "/../etc/passwd")] == [
            404
        ] * 5
        assert at.ask("/metrics", method="POST").status == 405
        assert at.ask("/api/v1/deploys").status == 405
        assert at.ask("/metrics", method="HEAD").status == 200


@pytest.mark.parametrize(
    ("failure", "status"),
    [
        (UnreachableError("state s: cannot read: locked"), 503),
        (ConfigurationError("state s: no state there yet"), 503),
        (ZeroDivisionError("secret detail"), 500),
    ],
)
def test_what_fails_inside_is_one_line_without_detail(
    failure: Exception, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    with serving(Shown(shown(), failure=failure)) as at:
        reply = at.ask("/api/v1/gate?deploy=d")
        assert at.ask("/readyz").status == 200
    assert reply.status == status
    assert reply.json()["error"] == ("internal error: ZeroDivisionError" if status == 500 else str(failure))
    assert ("secret detail" in caplog.text) == (status == 500)  # for whoever reads the log, not for whoever asks


def test_refusals_of_the_loop_reach_who_asked() -> None:
    with serving(Shown(shown(), failure=UnreachableError("the loop did not answer within 30 s"))) as at:
        assert {at.post(path, document).status for path, document in POSTS.items()} == {503}
    with serving(Shown(shown())) as at:
        reply = at.post("/api/v1/baselines/capture", {"name": "none"})
    assert (reply.status, reply.json()) == (400, {"error": "baseline 'none': not captured"})


def test_a_taken_address_is_told_in_one_line() -> None:
    with serving() as at:
        port = urlsplit(at.url).port
        assert port is not None
        second = HttpServer(HttpSettings(port=port), Shown())
        with pytest.raises(ConfigurationError) as error:
            second.start()
        second.close()
    assert str(error.value) == (
        f"http.host, http.port = 127.0.0.1:{port}: Address already in use; expected a free address of this machine"
    )
    with pytest.raises(ConfigurationError, match=r"http.host, http.port = 192.0.2.1:0: .*expected a free address"):
        HttpServer(HttpSettings("192.0.2.1", 0), Shown()).start()


def test_closing_frees_the_port_and_ends_the_thread() -> None:
    server = HttpServer(HttpSettings(port=0), Shown(shown()))
    port = urlsplit(server.start()).port
    with socket.create_connection(("127.0.0.1", port or 0)):  # somebody who says nothing holds nothing up
        server.close()
        server.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "http"]
    again = HttpServer(HttpSettings(port=port or 0), Shown(shown()))
    again.start()
    again.close()


def test_the_secret_is_in_no_repr() -> None:
    assert SECRET not in repr(HttpSettings(token=SECRET))


def test_hostile_ids_are_text_everywhere() -> None:
    with serving(Shown(view(HOSTILE, health=health(turned=time.time(), waiting=HOSTILE)))) as at:
        page, document = at.ask("/").content.decode(), at.ask("/api/v1/report").json()
        asked = at.ask("/api/v1/gate?deploy=%3Cscript%3E%00%ED%A0%80")
    assert "<script>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert document["verdict"]["reasons"] == list(HOSTILE)
    assert (asked.status, asked.headers["content-type"]) == (200, "application/json")


# ---------------------------------------------------------------- webhooks

CANARY = {"name": "retrieval", "namespace": "test", "phase": "Progressing", "checksum": "85d557f47b"}
"""What Flagger posts besides the metadata of the webhook's own entry."""
GATE = {"pass": 200, "fail": 409, "inconclusive": 503, "unknown": 503}
ROLLBACK = {"pass": 409, "fail": 200, "inconclusive": 503, "unknown": 503}


@pytest.mark.parametrize("verdict", ["pass", "fail", "inconclusive", "unknown"])
def test_a_webhook_names_the_deploy_in_its_metadata(verdict: VerdictName) -> None:
    with serving(Shown(shown(), {"d1": record(verdict)})) as at:
        hook = {**CANARY, "metadata": {"deploy": "d1", "some": "thing"}}
        gate, rollback = at.post("/gate/check", hook), at.post("/rollback/check", hook)
        asked = at.ask("/rollback/check?deploy=d1")
        unseen = [at.post(path, {**CANARY, "metadata": {"deploy": "d9"}}).status for path in HOOKS]
    assert (gate.status, rollback.status, asked.status) == (GATE[verdict], ROLLBACK[verdict], ROLLBACK[verdict])
    assert gate.json()["verdict"] == rollback.json()["verdict"] == verdict
    assert unseen == [503, 503]


HOOKS = ("/gate/check", "/rollback/check")


@pytest.mark.parametrize("path", HOOKS)
@pytest.mark.parametrize(
    "posted", [b"", b"{}", b"null", b"[]", b"words", b"\xff", b'{"metadata": null}', b'{"metadata": {"deploy": 5}}']
)
def test_a_webhook_without_a_deploy_neither_promotes_nor_rolls_back(path: str, posted: bytes) -> None:
    with serving(Shown(shown(), {"d1": record("pass")})) as at:
        reply = at.ask(path, method="POST", body=posted)
    assert (reply.status, "metadata.deploy" in reply.json()["error"]) == (400, True)


def test_a_webhook_brings_its_token_in_the_metadata_to_what_only_reads() -> None:
    service = Shown(shown(), {"d1": record("pass")}, captured=[TAKEN])

    def hook(token: object) -> dict[str, object]:
        return {**CANARY, "metadata": {"deploy": "d1", "token": token}}

    with serving(service, token=SECRET) as at:
        assert [at.post(path, hook(SECRET)).status for path in HOOKS] == [200, 409]
        wrong = [checked(at.post(path, hook(token))) for path in HOOKS for token in ("", "x", SECRET + "x", 5, None)]
        assert {reply.status for reply in wrong} == {401}
        assert checked(at.post(HOOKS[0], {"metadata": {"deploy": "d1"}})).status == 401
        assert checked(at.post(HOOKS[0], hook(SECRET), authorization="Bearer wrong")).status == 401
        assert checked(at.ask("/gate/check?deploy=d1", method="POST", body=b"x" * (1 << 20))).status == 401
        others = [at.post(path, {**document, "metadata": {"token": SECRET}}) for path, document in POSTS.items()]
        assert {reply.status for reply in others} == {401}
        # with the header the body needs none
        assert at.post(HOOKS[0], hook("x"), authorization=f"Bearer {SECRET}").status == 200
    assert service.asked == []


def test_a_failure_of_ours_rolls_nothing_back() -> None:
    with serving(Shown(shown(), {"d1": record("fail")}, failure=UnreachableError("no state"))) as at:
        assert at.post("/rollback/check", {"metadata": {"deploy": "d1"}}).status == 503


def test_the_gate_against_another_baseline() -> None:
    service = Shown(shown(), {"d1": record("pass")})
    with serving(service) as at:
        assert at.ask("/gate/check?deploy=d1&baseline=late").status == 200
        assert at.post("/gate/check", {"metadata": {"deploy": "d1", "baseline": "late"}}).status == 200
        assert at.ask("/api/v1/gate?deploy=d9&baseline=late").json()["state"] == "unseen"
    assert service.asked == [("against", "d1", "late")] * 2
