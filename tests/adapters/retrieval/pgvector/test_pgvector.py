"""pgvector on a real PostgreSQL: served is what the table's own SQL serves, and what goes wrong has a name."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import numpy as np
import psycopg
import pytest

from monitor.adapters.retrieval.answers import VectorQuery
from monitor.adapters.retrieval.pgvector.connection import failed_read
from monitor.adapters.retrieval.pgvector.store import PgvectorTable
from monitor.adapters.retrieval.pgvector.table import TableDescription, TableSettings, literal
from monitor.core.model.events import chunk_key
from monitor.core.model.scoring import Distance
from monitor.ports import ConfigurationError, Replay, Unanswered
from tests.contracts.retrievers import BruteForce, Library, anchor_set, same_lists
from tests.postgres import PASSWORD, READER, PostgresServer, filled_table, postgres
from tests.stack import need

D, N = 16, 2_000
CASES = {Distance.COSINE: "<=>", Distance.DOT: "<#>", Distance.EUCLID: "<->"}


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with ExitStack() as stack:
        yield need(postgres(), stack)


def library_of(distance: Distance, n: int = N) -> Library:
    rng = np.random.default_rng(3)
    made = Library(D, distance)
    vectors = rng.standard_normal((n, D), np.float32).tolist()
    made.upsert([(f"c{at:05}", vector, (("kind", f"k{at % 50}"),)) for at, vector in enumerate(vectors)])
    return made


def table(url: str, distance: Distance = Distance.COSINE, **more: Any) -> PgvectorTable:
    given: dict[str, Any] = {
        "password": PASSWORD,
        "chunk_id": "chunk_id",
        "content_hash": "meta.hash",
        "attribute_prefix": "meta.attributes.",
    }
    return PgvectorTable(TableSettings(url, "chunks", D, distance, **given | more))


def asked(retriever: PgvectorTable, distance: Distance, k: int = 10, *, filters: Any = None, seed: int = 5) -> Replay:
    anchors = anchor_set(np.random.default_rng(seed).standard_normal((20, D), np.float32), distance, filters)
    try:
        retriever.start()
        return retriever.replay(anchors, np.arange(20), k=k, deadline=30.0)
    finally:
        retriever.close()


def recall(library: Library, served: Replay, k: int = 10, filters: Any = None) -> float:
    anchors = anchor_set(np.random.default_rng(5).standard_normal((20, D), np.float32), library.distance, filters)
    exact = BruteForce(library).replay(anchors, np.arange(20), k=k, deadline=30.0)
    found = [len(set(a[:n]) & set(b[:m])) for a, b, n, m in zip(
        served.lists.keys.tolist(), exact.lists.keys.tolist(), served.lists.lengths.tolist(),
        exact.lists.lengths.tolist(), strict=True)]  # fmt: skip
    return float(sum(found) / exact.lists.lengths.sum())


@pytest.mark.parametrize("distance", CASES)
def test_the_graph_is_asked_as_production_asks_it(server: PostgresServer, distance: Distance) -> None:
    library = library_of(distance)
    # A graph so thin that it misses some, however its random levels fall.
    url = filled_table(library, server, options="WITH (m = 3, ef_construction = 6)")
    found = asked(table(url, distance, session=(("hnsw.ef_search", "20"),)), distance)
    vectors = np.random.default_rng(5).standard_normal((20, D), np.float32)
    with psycopg.connect(url, password=PASSWORD) as plain:
        plain.execute("SET enable_seqscan = off")  # the oracle: the index, whatever a planner would choose
        plain.execute("SET hnsw.ef_search = 20")
        for row, vector in enumerate(vectors):
            rows = plain.execute(
                f"SELECT chunk_id FROM chunks ORDER BY embedding {CASES[distance]} %s::vector LIMIT 10",
                [literal(vector)],
            ).fetchall()
            assert {found.names[key] for key in found.lists.keys[row].tolist()} == {name for (name,) in rows}
    few = recall(library, found)
    many = recall(library, asked(table(url, distance, session=(("hnsw.ef_search", "1000"),)), distance))
    assert 0.0 < few < many
    assert recall(library, asked(table(url, distance, exact=True), distance)) == 1.0


def test_filtered_graphs_come_up_short_unless_they_are_scanned_on(server: PostgresServer) -> None:
    library = library_of(Distance.COSINE)
    url, filters = filled_table(library, server), [(("kind", "k7"),)] * 20
    session = (("hnsw.ef_search", "40"),)
    short = asked(table(url, session=session), Distance.COSINE, filters=filters)
    on = (*session, ("hnsw.iterative_scan", "strict_order"))
    long = asked(table(url, session=on), Distance.COSINE, filters=filters)
    # Of 2,000 rows 40 pass: a planner that knows takes the filter first, and then nothing is missed.
    assert long.lists.lengths.min() == 10
    assert recall(library, long, filters=filters) >= recall(library, short, filters=filters)
    assert all(dict(library_rows(library)[name])["kind"] == "k7" for name in long.names.values())


def library_rows(library: Library) -> dict[str, Any]:
    return {row.chunk_id: row.segment for row in library.live}


def test_lists_of_an_inverted_file_depend_on_the_probes(server: PostgresServer) -> None:
    library = library_of(Distance.EUCLID)
    url = filled_table(library, server, index="ivfflat")
    few = recall(library, asked(table(url, Distance.EUCLID, session=(("ivfflat.probes", "1"),)), Distance.EUCLID))
    all_of_them = asked(table(url, Distance.EUCLID, session=(("ivfflat.probes", "100"),)), Distance.EUCLID)
    assert few < 0.9
    assert recall(library, all_of_them) == 1.0


def test_half_precision_is_scored_as_it_is_stored(server: PostgresServer) -> None:
    library = library_of(Distance.DOT, 300)
    url = filled_table(library, server, index="")
    with server.admin(url.rpartition("/")[2]) as admin:
        admin.execute(f"ALTER TABLE chunks ALTER embedding TYPE halfvec({D})")
    found = asked(table(url, Distance.DOT, exact=True), Distance.DOT)
    rounded = Library(D, Distance.DOT)
    names, halves = list(library.raw), [of.astype(np.float16).tolist() for of in library.raw.values()]
    rounded.upsert([(name, vector, ()) for name, vector in zip(names, halves, strict=True)])
    vectors = np.random.default_rng(5).standard_normal((20, D), np.float32).astype(np.float16).astype(np.float32)
    oracle = BruteForce(rounded).replay(anchor_set(vectors, Distance.DOT), np.arange(20), k=10, deadline=9.0)
    np.testing.assert_array_equal(found.lists.keys, oracle.lists.keys)
    np.testing.assert_array_equal(found.lists.scores, oracle.lists.scores)


@pytest.mark.parametrize("of_type", ["uuid", "int", "varchar(80)", 'char(6) COLLATE "C"'])
def test_ids_of_any_type_are_found_by_their_text(server: PostgresServer, of_type: str) -> None:
    database = server.new_database()
    ids = {"uuid": "550e8400-e29b-41d4-a716-446655440000", "int": "7"}.get(of_type, "abcdef")
    with server.admin(database) as admin:
        admin.execute(f"CREATE TABLE chunks (id {of_type}, h text, embedding vector({D}))")
        admin.execute("INSERT INTO chunks VALUES (%s, 'h1', %s)", [ids, literal(np.ones(D, np.float32))])
    retriever = table(server.url(database), chunk_id="id", content_hash="h")
    try:
        asked_for = [ids, "8", "007", "no such chunk", "550E8400-E29B-41D4-A716-446655440000"]
        assert retriever.content_hashes(asked_for, deadline=9.0) == {ids: "h1"}
        assert list(retriever.vectors(asked_for, deadline=9.0)) == [ids]
    finally:
        retriever.close()


def test_rows_of_another_collection_are_never_seen(server: PostgresServer) -> None:
    database = server.new_database()
    with server.admin(database) as admin:
        admin.execute(f'CREATE TABLE "Odd ""name" ("Id" text, collection int, "v"  vector({D}))')
        for at in range(6):
            admin.execute(
                'INSERT INTO "Odd ""name" VALUES (%s, %s, %s)', [f"c{at}", at % 2, literal(np.ones(D, np.float32))]
            )
        admin.execute('INSERT INTO "Odd ""name" VALUES (NULL, 0, %s)', [literal(np.ones(D, np.float32))])
    url, only = server.url(database), (("collection", "0"),)
    settings = TableSettings(url, 'Odd "name', D, Distance.COSINE, chunk_id="Id", vector_column="v", only=only)
    retriever = PgvectorTable(settings)
    found = asked(retriever, Distance.COSINE)
    assert set(found.names.values()) == {"c0", "c2", "c4"}
    assert all(len(points) == 1 for points in found.foreign.values())
    assert retriever.count() == 4
    assert retriever.remarks() == ("1 of the first 4 rows have no chunk id in 'Id'",)
    assert retriever.content_hashes(["c0", "c1"], deadline=9.0) == {"c0": ""}
    retriever.close()


def test_nothing_that_is_configured_or_asked_is_taken_for_sql(server: PostgresServer) -> None:
    evil = 'x" OR 1=1; DROP TABLE chunks; --'
    library = library_of(Distance.COSINE, 20)
    url = filled_table(library, server)
    with pytest.raises(ConfigurationError, match="names what the table does not have"):
        table(url, chunk_id=evil).start()
    with pytest.raises(ConfigurationError, match="no table"):
        PgvectorTable(TableSettings(url, evil, D, Distance.COSINE, password=PASSWORD)).start()
    filters = [((evil, evil),)] * 20
    assert asked(table(url), Distance.COSINE, filters=filters).lists.lengths.max() == 0
    assert asked(table(url), Distance.COSINE).lists.lengths.min() == 10


def test_a_row_that_is_written_again_meanwhile_was_served_and_is_gone(server: PostgresServer) -> None:
    library = library_of(Distance.COSINE, 20)
    url = filled_table(library, server)
    retriever = table(url)
    retriever.start()
    until = time.monotonic() + 20
    (answer,) = retriever.ask([VectorQuery(np.ones(D, np.float32), ())], 5, until)
    first = answer.hits[0]
    with server.admin(url.rpartition("/")[2]) as admin:
        admin.execute("UPDATE chunks SET meta = '{}' WHERE chunk_id = %s", [first.chunk_id])
    stored = retriever.fetch(answer.hits, until)
    assert stored[first.point] is None
    assert sum(isinstance(of, np.ndarray) for of in stored.values()) == 4
    retriever.close()


def test_a_zero_vector_has_the_cosine_0_and_a_missing_one_is_no_result(server: PostgresServer) -> None:
    library = Library(D, Distance.COSINE)
    library.upsert([("zero", [0.0] * D, ()), ("one", [1.0] * D, ()), ("minus", [-1.0] * D, ())])
    url = filled_table(library, server, index="")
    with server.admin(url.rpartition("/")[2]) as admin:
        admin.execute("INSERT INTO chunks (chunk_id) VALUES ('none')")
    anchors = anchor_set(np.ones((1, D), np.float32), Distance.COSINE)
    for exact in (True, False):
        retriever = table(url, exact=exact)
        retriever.start()
        same_lists(
            retriever.replay(anchors, np.arange(1), k=3, deadline=9.0),
            BruteForce(library).replay(anchors, np.arange(1), k=3, deadline=9.0),
        )
        assert retriever.count() == 3
        retriever.close()


def test_it_cannot_write_even_as_the_owner(server: PostgresServer) -> None:
    library = library_of(Distance.COSINE, 5)
    database = filled_table(library, server).rpartition("/")[2]
    retriever = table(server.url(database))
    retriever.start()
    connection = retriever._connection
    (refused,) = connection.read("a write", [lambda of: of.execute("DELETE FROM chunks")], time.monotonic() + 9)
    assert "read-only transaction" in str(refused)
    assert retriever.count() == 5
    retriever.close()


WRONG = [
    ({"password": "another"}, "is refused"),
    ({"password": ""}, "is refused"),
    ({"vector_column": "gone"}, "no table 'chunks' with a column 'gone'"),
    ({"schema": "elsewhere"}, "no table 'elsewhere.chunks'"),
    ({"vector_column": "meta"}, "is of type jsonb, expected vector or halfvec"),
    ({"session": (("hnsw.ef_search", "0"),)}, "0 is outside the valid range for parameter"),
    ({"content_hash": "gone"}, 'column "gone" does not exist'),
    ({"only": (("collection", "1"),)}, 'column "collection" does not exist'),
]


@pytest.mark.parametrize(("more", "said"), WRONG, ids=[said[:30] for _, said in WRONG])
def test_what_waiting_does_not_mend_is_said_at_the_start(
    server: PostgresServer, more: dict[str, Any], said: str
) -> None:
    retriever = table(filled_table(library_of(Distance.COSINE, 5), server), **more)
    try:
        with pytest.raises(ConfigurationError, match=".*".join(map(_escaped, said.split("*")))) as caught:
            retriever.start()
        assert "\n" not in str(caught.value)
        assert PASSWORD not in str(caught.value)
    finally:
        retriever.close()


def _escaped(text: str) -> str:
    return text.replace(".", r"\.")


def test_another_dimension_a_view_and_a_missing_extension_are_named(server: PostgresServer) -> None:
    url = filled_table(library_of(Distance.COSINE, 5), server)
    database = url.rpartition("/")[2]
    with server.admin(database) as admin:
        admin.execute(f"CREATE VIEW seen AS SELECT * FROM chunks; GRANT SELECT ON seen TO {READER}")
        admin.execute(f"CREATE TABLE hidden AS SELECT * FROM chunks; REVOKE ALL ON hidden FROM {READER}")
    for name, dimension, said in [
        ("seen", D, "is a view or a foreign table"),
        ("hidden", D, "the user may not read it"),
        ("chunks", 3, f"has dimension {D}, expected 3"),
    ]:
        settings = TableSettings(url, name, dimension, Distance.COSINE, password=PASSWORD, chunk_id="chunk_id")
        with pytest.raises(ConfigurationError, match=said):
            PgvectorTable(settings).start()
    with server.admin(database) as admin:
        admin.execute("DROP TABLE chunks CASCADE; DROP TABLE hidden; DROP EXTENSION vector")
    with pytest.raises(ConfigurationError, match="the database has no extension vector"):
        table(url).start()


def test_a_server_that_is_not_there_fails_by_its_replays(server: PostgresServer) -> None:
    retriever = table("postgresql://reader@127.0.0.1:1/x")
    retriever.start()
    found = asked(retriever, Distance.COSINE)
    assert set(found.failures.values()) == {"unreachable"}
    assert retriever.count() == Unanswered("unreachable")
    assert list(retriever.problems()) == []
    retriever.close()


def test_a_statement_that_takes_too_long_is_ended_and_the_others_are_not_sent(server: PostgresServer) -> None:
    retriever = table(filled_table(library_of(Distance.COSINE, 5), server), timeout=0.2)
    retriever.start()
    begun = time.monotonic()
    slow = [lambda of: of.execute("SELECT pg_sleep(30)")] * 6
    found = retriever._connection.read("slow", slow, begun + 60)
    assert [str(of.reason) for of in found if hasattr(of, "reason")] == ["deadline"] * 6
    assert time.monotonic() - begun < 10
    assert retriever.count() == 5
    retriever.close()


def test_a_server_that_falls_silent_is_left_at_the_deadline(server: PostgresServer) -> None:
    retriever = table(filled_table(library_of(Distance.COSINE, 5), server))
    retriever.start()
    (of,) = retriever._connection.read("pid", [_pid], time.monotonic() + 9)
    assert isinstance(of, int)
    os.kill(of, signal.SIGSTOP)
    try:
        begun = time.monotonic()
        anchors = anchor_set(np.ones((3, D), np.float32), Distance.COSINE)
        found = retriever.replay(anchors, np.arange(3), k=3, deadline=1.0)
        assert set(found.failures.values()) == {"deadline"}
        assert time.monotonic() - begun < 5
    finally:
        os.kill(of, signal.SIGCONT)
    assert retriever.count() == 5  # over a new connection
    retriever.close()


def test_a_connection_that_the_server_closed_is_made_anew(server: PostgresServer) -> None:
    retriever = table(filled_table(library_of(Distance.COSINE, 5), server))
    retriever.start()
    (of,) = retriever._connection.read("pid", [_pid], time.monotonic() + 9)
    with server.admin() as admin:
        admin.execute("SELECT pg_terminate_backend(%s, 5000)", [of])
    assert retriever.count() == 5
    retriever.close()


def _pid(cursor: Any) -> int:
    return int(cursor.execute("SELECT pg_backend_pid()").fetchone()[0])


def test_an_index_for_another_distance_and_one_that_is_not_whole_are_remarked(server: PostgresServer) -> None:
    url = filled_table(library_of(Distance.COSINE, 5), server)
    retriever = table(url, Distance.EUCLID)
    retriever.start()
    (said,) = retriever.remarks()
    assert said.startswith("no index is for euclid: every query scans the table, and chunks_embedding (vector_cosine")
    with server.admin(url.rpartition("/")[2]) as admin:
        admin.execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'chunks_embedding'::regclass")
    assert list(retriever.busy()) == []
    assert "cannot be used" in retriever.remarks()[0]
    retriever.close()
    building = TableDescription("0.8.5", "public", "vector", D, "r", "text", (), building=True)
    assert building.contradictions(retriever._settings) == []


def test_a_url_may_hold_no_password_and_must_be_one() -> None:
    for url, said in [
        ("postgresql://u:geheim@h/d", "holds a password, expected none: use dense.pgvector.password"),
        ("host=h password=geheim", "holds a password, expected none"),
        ("postgresql://[", "cannot be read, expected postgresql://user@host:port/database"),
        ("nonsense", "cannot be read"),
    ]:
        with pytest.raises(ConfigurationError, match=said) as caught:
            table(url)
        assert "geheim" not in str(caught.value)
    assert PASSWORD not in repr(TableSettings("postgresql://u@h/d", "t", D, Distance.DOT, password=PASSWORD))


def test_a_password_is_struck_out_of_what_a_server_says() -> None:
    assert failed_read(psycopg.OperationalError("no geheim\nhere"), "geheim", late=False).detail == "no *** here"


def test_chunks_of_one_id_count_once(server: PostgresServer) -> None:
    database = server.new_database()
    with server.admin(database) as admin:
        admin.execute(f"CREATE TABLE chunks (id text, embedding vector({D})) PARTITION BY HASH (id)")
        for at in range(2):
            admin.execute(f"CREATE TABLE chunks_{at} PARTITION OF chunks FOR VALUES WITH (MODULUS 2, REMAINDER {at})")
        for name in ("twice", "twice", "once", "other", "more"):
            admin.execute("INSERT INTO chunks VALUES (%s, %s)", [name, literal(np.ones(D, np.float32))])
    found = asked(table(server.url(database), chunk_id="id", content_hash=""), Distance.COSINE)
    assert not found.failures
    expected = sorted(["twice", "once", "other", "more"])
    assert [found.names[key] for key in found.lists.keys[0, :4].tolist()] == expected
    assert found.lists.keys[0, 0] == chunk_key("more")
