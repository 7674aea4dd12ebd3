"""The configuration: everything wrong at once and in one line each; the reference file holds every key's default."""

import inspect
import re
import tomllib
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from monitor.adapters.sources.jsonl.kind import FileSection
from monitor.app.configuration import Configuration, build, load
from monitor.app.environment import secret_keys, variable
from monitor.core.model.scoring import Distance
from monitor.ports import ConfigurationError
from tests.corpora import Shape, write_case

REFERENCE = Path(__file__).parent.parent.parent / "deploy" / "corpus-drift.toml"

SECRETS = [
    ("source", "kafka", "sasl_password"),
    ("source", "kafka", "bootstrap", "api_key"),
    ("source", "qdrant", "api_key"),
    ("dense", "api_key"),
    ("dense", "pgvector", "password"),
    ("encoder", "api_key"),
    ("http", "token"),
    ("migration", "encoder", "api_key"),
    ("production", "log", "sasl_password"),
    ("production", "secret_headers"),
    ("production", "token"),
    ("traffic", "key"),
    ("traffic", "sasl_password"),
]


MIGRATION = {"id": "m", "from": "v1", "to": "v2"}


def minimal(**more: dict[str, Any]) -> dict[str, Any]:
    content: dict[str, Any] = {
        "source": {"file": {"path": "e"}},
        "anchors": {"path": "a"},
        "dense": {"engine": "none"},
    }
    for section, keys in more.items():
        content[section] = {**content.get(section, {}), **keys}
    return content


def made(environment: dict[str, str] | None = None, **more: dict[str, Any]) -> Configuration:
    return build(minimal(**more), environment or {}, where=Path("/folder/c.toml"))


def problems(environment: dict[str, str] | None = None, **more: dict[str, Any]) -> list[str]:
    with pytest.raises(ConfigurationError) as error:
        made(environment, **more)
    lines = str(error.value).splitlines()
    assert all(line.startswith("/folder/c.toml: ") for line in lines)
    said = [line.removeprefix("/folder/c.toml: ") for line in lines]
    assert not [line for line in said if line.split(": ")[0] in line.split(": ")[1:]], "a key is said once"
    return said


# ---------------------------------------------------------------- the reference file


def models(kind: type[BaseModel], place: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str, FieldInfo]]:
    """(table, key, field) of every key of every section, sub-tables and rules included."""
    for name, field in kind.model_fields.items():
        below = _section(field.annotation)
        key = field.alias or name
        if below is None:
            yield place, key, field
        else:
            yield from models(below, (*place, key))


def _section(annotation: Any) -> type[BaseModel] | None:
    for kind in (annotation, *typing.get_args(annotation)):
        if inspect.isclass(kind) and issubclass(kind, BaseModel):
            return kind
    return None


def whole_reference() -> dict[str, Any]:
    """The file with every mark taken away."""
    lines = REFERENCE.read_text(encoding="utf-8").splitlines()
    return tomllib.loads("\n".join(re.sub(r"^#(?=[a-z_0-9]+ = |\[)", "", line) for line in lines))


def test_the_reference_file_loads() -> None:
    configuration = load(REFERENCE, {})
    assert configuration.located(configuration.state.path) == REFERENCE.parent / "corpus-drift.state"
    assert configuration.legs == ("dense", "lexical")


def test_the_reference_file_holds_every_key_with_its_default_and_no_other() -> None:
    content, seen = whole_reference(), set[tuple[str, ...]]()
    text = REFERENCE.read_text(encoding="utf-8")
    for place, key, field in models(Configuration):
        table: Any = content
        for part in place:
            assert part in table, f"[{'.'.join(place)}] is missing in {REFERENCE.name}"
            table = table[part]
        table = table[0] if isinstance(table, list) else table
        if field.annotation is SecretStr:
            assert variable((*place, key)) in text
            assert f"{variable((*place, key))}_FILE" in text
            assert key not in table
            continue
        assert key in table, f"{'.'.join((*place, key))} is missing in {REFERENCE.name}"
        seen.add((*place, key))
        default = field.get_default(call_default_factory=True)
        stated = f"\n{key} = " in text.partition(f"[{'.'.join(place)}]")[2].partition("\n[")[0]
        if not field.is_required() and default is not None and not stated:
            shown = list(default) if isinstance(default, tuple) else default
            assert table[key] == (str(shown) if isinstance(shown, Distance) else shown), (*place, key)
            assert type(table[key]) is type(shown) or isinstance(shown, Distance), (*place, key)
    # a key may hold a table of its own, such as limits by metric
    assert {leaf if leaf in seen else leaf[:-1] for leaf in leaves(content)} == seen


def leaves(table: dict[str, Any], place: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for key, value in table.items():
        below = value[0] if isinstance(value, list) and value and isinstance(value[0], dict) else value
        if isinstance(below, dict) and below:
            yield from leaves(below, (*place, key))
        else:
            yield (*place, key)


def test_defaults_are_what_the_file_would_say() -> None:
    """Every commented default is accepted as it stands."""
    content = whole_reference()
    del content["source"]["git"], content["source"]["kafka"], content["source"]["qdrant"]
    del content["production"]["log"]
    content["production"] |= {"preset": "openai", "url": "http://127.0.0.1:9/search"}
    content["traffic"]["path"] = "traffic.jsonl"
    content["policy"]["rule"][0]["metric"] = "collapsed_swaps"
    del content["policy"]["rule"][0]["min"]  # a rule that calls a harm severe has one limit
    assert build(content, {}, where=REFERENCE).source.batch == 1_024


# ---------------------------------------------------------------- what is wrong


def test_all_problems_are_said_at_once() -> None:
    said = problems(
        corpus={"name": "a b", "bogus": 1},
        source={"batch": 0},
        dense={"engine": "fast"},
        measure={"depths": [10, 10]},
        http={"port": 70_000},
        nonsense={"x": 1},
        policy={"rule": [{"name": "r", "metric": "swaps", "max": 1, "maxx": 2, "for": 3}]},
    )
    for part in (
        "corpus.name = 'a b': ",
        "corpus.bogus = 1: ",
        "source.batch = 0: ",
        "dense.engine = 'fast': ",
        "nonsense",
    ):
        assert any(line.startswith(part) for line in said), (part, said)
    assert any("http.port = 70000" in line and "65535" in line for line in said)
    assert "measure.depths = [10, 10]: expected distinct numbers from 1 to 100" in said
    expected = {of.partition(" = ")[0]: of.rpartition("expected one of ")[2].split(", ") for of in said}
    assert expected["corpus.bogus"] == ["name", "embedding_version", "dimension", "distance"]
    assert {"metric", "for", "max"} <= set(expected["policy.rule.0.maxx"])
    (unknown,) = (of for of in said if of.startswith("nonsense"))
    assert unknown.startswith("nonsense: no such key; expected one of corpus, segments, source, dense")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"dense": {"engine": "embedded"}}, "corpus.dimension = 0: expected the vectors' dimension"),
        ({"lexical": {"enabled": False}}, "expected at least one leg"),
        ({"policy": {"defaults": False}}, "a policy without rules passes nothing"),
        ({"source": {"git": {"path": "."}}}, "expected exactly one of source.kafka, source.file, source.git"),
        ({"dense": {"engine": "server"}}, "needs dense.url and dense.collection"),
        ({"measure": {"beyond": {"swabs": 2.0}}}, "measure.beyond: swabs: expected metrics of anchors"),
        ({"measure": {"beyond": {"swaps": float("nan")}}}, "measure.beyond.swaps = nan"),
        ({"encoder": {"kind": "openai"}}, "needs encoder.url and encoder.model"),
        ({"encoder": {"kind": "fastembed"}}, "needs encoder.path (models are never downloaded)"),
        (
            {"baseline": {"mode": "rolling", "window": 9}, "state": {"keep_deploys": 8}},
            "at most state.keep_deploys = 8",
        ),
        ({"http": {"certificate_file": "c.pem"}}, "http.certificate_file, http.key_file: expected both or neither"),
        ({"source": {"barrier_timeout": float("nan")}}, "source.barrier_timeout = nan: "),
        ({"source": {"stale_after": float("inf")}}, "source.stale_after = inf: "),
    ],
)
def test_what_contradicts_itself_is_refused(more: dict[str, dict[str, Any]], said: str) -> None:
    assert any(said in line for line in problems(**more))


RULE = {"name": "own", "metric": "swaps", "leg": "lexical", "max": 2.0}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"dimension": "team"}, "policy.rule 'own': dimension 'team', expected one of all, source"),
        ({"k": 7}, "policy.rule 'own': k = 7, expected one of (10,)"),
        ({"stat": "share", "metric": "rbo_ratio"}, "policy.rule 'own': stat 'share' needs the limit measure.beyond"),
        ({"max": None}, "policy.rule 'own' has neither min nor max"),
        ({"max": float("nan")}, "policy.rule.0.max = nan: "),
        ({"leg": "dense"}, "policy.rule 'own': leg 'dense' is switched off"),
        ({"leg": "both"}, "policy.rule 'own': leg 'both' is switched off"),
        ({"name": "new-lexical-all"}, "policy.rule 'new-lexical-all': 2 rules of that name, expected one"),
        ({"name": "a b"}, "policy.rule.0.name = 'a b': "),
        ({"severity": "fatal"}, "policy.rule.0.severity = 'fatal': "),
        ({"max": 2.0, "severe": 2.0}, "policy.rule 'own': severe = 2, expected more than max = 2"),
        ({"max": None, "min": 0.5, "severe": 0.6}, "policy.rule 'own': severe = 0.6, expected less than min = 0.5"),
        ({"min": 0.5, "severe": 3.0}, "policy.rule 'own': severe = 3 needs either min or max, not both"),
        ({"max": 2.0, "usual": 2.0}, "policy.rule 'own': usual = 2, expected less than max = 2"),
        ({"max": None, "min": 0.5, "usual": 0.4}, "policy.rule 'own': usual = 0.4, expected more than min = 0.5"),
        ({"min": 0.5, "usual": 0.6}, "policy.rule 'own': usual = 0.6 needs either min or max, not both"),
        ({"weight": 0.0}, "policy.rule.0.weight = 0.0: "),
    ],
)
def test_a_rule_that_could_never_judge_is_refused(change: dict[str, Any], said: str) -> None:
    rule = {key: value for key, value in {**RULE, **change}.items() if value is not None}
    found = problems(segments={"dimensions": ["source"]}, policy={"rule": [rule]})
    assert any(said in line for line in found), found


def test_a_rule_of_ones_own_comes_on_top_of_the_defaults_or_alone() -> None:
    both, alone = made(policy={"rule": [RULE]}), made(policy={"rule": [RULE], "defaults": False})
    assert [rule.name for rule in alone.rules()] == ["own"]
    assert alone.rules()[0].k == 10
    assert len(both.rules()) > 3
    assert both.rules()[-1] == alone.rules()[0]
    assert [rule.name for rule in both.rules() if rule.leg == "dense"] == []


# ---------------------------------------------------------------- files, environment, secrets


def test_unreadable_files(tmp_path: Path) -> None:
    broken, binary = tmp_path / "broken.toml", tmp_path / "binary.toml"
    broken.write_text("[corpus\n")
    binary.write_bytes(b"\xff\xfe\x00")
    for path, said in (
        (tmp_path / "none.toml", "cannot be read: No such file or directory; expected a TOML configuration file"),
        (tmp_path, "cannot be read: Is a directory"),
        (broken, "not TOML: "),
        (binary, "not TOML: "),
    ):
        with pytest.raises(ConfigurationError) as error:
            load(path, {})
        assert str(error.value).startswith(f"{path}: {said}")
        assert "\n" not in str(error.value)


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    configuration = load(write_case(tmp_path, shape=Shape(dense=False)), {})
    assert configuration.located("x/y") == tmp_path / "x" / "y"
    assert configuration.located("/x") == Path("/x")


def test_the_environment_goes_before_the_file_and_only_the_one_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORPUS_DRIFT_HTTP__PORT", "1")
    environment = {
        "CORPUS_DRIFT_HTTP__PORT": "7",
        "corpus_drift_measure__depths": "[5, 3]",
        "CORPUS_DRIFT_SOURCE__FILE__FOLLOW": "true",
        "CORPUS_DRIFT_PORT": "tcp://10.0.0.1:9464",  # what Kubernetes sets for a service of our name
        "HTTP__PORT": "8",
    }
    configuration = made(environment, http={"port": 5})
    assert (configuration.http.port, configuration.measure.depths) == (7, (5, 3))
    assert configuration.source.settings == FileSection(path="e", follow=True)
    assert made(http={"port": 5}).http.port == 5


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("CORPUS_DRIFT_HTTP__PORT", "nine", "http.port = 'nine' (from CORPUS_DRIFT_HTTP__PORT): "),
        ("CORPUS_DRIFT_HTTP__BOGUS", "1", "http.bogus = '1' (from CORPUS_DRIFT_HTTP__BOGUS): "),
        ("CORPUS_DRIFT_HTPP__PORT", "1", "CORPUS_DRIFT_HTPP__PORT: no such section; expected one of corpus, "),
        ("CORPUS_DRIFT_POLICY__RULE", "[{", "CORPUS_DRIFT_...: error parsing value"),
        (
            "CORPUS_DRIFT_HTTP__TOKEN_FILE",
            "/no/such/file",
            "CORPUS_DRIFT_HTTP__TOKEN_FILE = '/no/such/file': cannot be read: No such file or directory",
        ),
        ("CORPUS_DRIFT_HTTP__TOKEN_FILE", "/dev/null", "CORPUS_DRIFT_HTTP__TOKEN_FILE = '/dev/null': empty"),
    ],
)
def test_what_is_wrong_in_the_environment_names_the_variable(name: str, value: str, said: str) -> None:
    assert any(line.startswith(said) for line in problems({name: value}))


def kafka(**more: Any) -> dict[str, Any]:
    return {"source": {"kafka": {"bootstrap_servers": ["b:1"], "topics": ["t"], **more}}, "anchors": {"path": "a"}}


def test_every_secret_of_every_kind_is_known_as_one() -> None:
    assert sorted(secret_keys(Configuration)) == sorted(SECRETS)


@pytest.mark.parametrize("keys", SECRETS)
@pytest.mark.parametrize("how", ["variable", "file"])
def test_secrets_come_from_the_environment_or_a_file_it_names(
    keys: tuple[str, ...], how: str, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("hush-hush\n", encoding="utf-8")
    name = variable(keys) if how == "variable" else f"{variable(keys)}_FILE"
    environment = {name: "hush-hush" if how == "variable" else str(tmp_path / "secret")}
    source: dict[str, Any] = {"source": {"qdrant": {}}} if keys[1] == "qdrant" else {}
    content = {**kafka(), **source, "dense": {"engine": "none"}}
    if keys[0] == "migration":
        content = {**kafka(), "corpus": {"dimension": 3, "embedding_version": "v1"}, "migration": MIGRATION}
    if keys[0] == "production":
        asked = {"preset": "openai", "url": "http://127.0.0.1:9/"}
        content["production"] = {"log": {"path": "searches.jsonl"}} if keys[1] == "log" else asked
    if keys[0] == "traffic":
        content["traffic"] = {"path": "traffic.jsonl"}
    found: Any = build(content, environment, where=tmp_path / "c.toml")
    for key in keys:
        found = getattr(found, key)
    assert found.get_secret_value() == "hush-hush"
    assert "hush" not in repr(build(content, environment, where=tmp_path / "c.toml"))


@pytest.mark.parametrize("keys", SECRETS)
def test_a_secret_in_the_file_is_refused_and_not_shown(keys: tuple[str, ...]) -> None:
    content = {**kafka(), "dense": {"engine": "none"}}
    level: Any = content
    for key in keys[:-1]:
        level = level.setdefault(key, {})
    for value in ("hush-hush", ["hush-hush"], 5):
        level[keys[-1]] = value
        with pytest.raises(ConfigurationError) as error:
            build(content, {}, where=Path("c.toml"))
        assert f"{'.'.join(keys)}: a secret in the file; expected it in {variable(keys)}" in str(error.value)
        assert "hush" not in str(error.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({}, "source: missing; expected exactly one of the tables [source.kafka], [source.file], [source.git]"),
        ({}, "anchors: missing; expected a table [anchors] with path"),
        ({"source": {"kafka": {}}}, "source.kafka.topics: missing; expected a list of text"),
        ({"source": "x"}, "source = 'x': expected a table"),
        ({"source": {"file": {"path": 3}}}, "source.file.path = 3: expected text"),
        ({"sourc": {}}, "sourc: no such key; expected one of corpus, segments, source, dense,"),
        ({"source": {"file": {"path": "a", "folow": 1}}}, "folow = 1: no such key; expected one of path, follow"),
        ({"dense": {"hnsw_ef": "many"}}, "dense.hnsw_ef = 'many': expected a whole number"),
        ({"dense": {"hnsw_ef": 0}}, "dense.hnsw_ef = 0: expected at least 1"),
        ({"dense": {"exact": "perhaps"}}, "dense.exact = 'perhaps': expected true or false"),
        ({"dense": {"engine": "x"}}, "dense.engine = 'x': expected 'embedded', 'server', 'pgvector'"),
        ({"dense": {"filter_by": "x"}}, "dense.filter_by = 'x': expected a list"),
        ({"corpus": {"dimension": 2.5}}, "corpus.dimension = 2.5: expected a whole number"),
        ({"measure": {"beyond": {"swaps": "much"}}}, "measure.beyond.swaps = 'much': expected a number"),
        ({"measure": {"depths": []}}, "measure.depths = []: expected distinct numbers from 1 to 100"),
        ({"baseline": {"window": 1_000}}, "baseline.window = 1000: expected at most 100"),
        ({"baseline": {"name": "a b"}}, "baseline.name = 'a b': expected text of the form ^[A-Za-z0-9]"),
        ({"policy": {"rule": [{"name": "x"}]}}, "policy.rule.0.metric: missing; expected text"),
        ({"policy": {"rule": "x"}}, "policy.rule = 'x': expected a list"),
    ],
)
def test_every_problem_names_the_key_and_what_is_expected_in_the_words_of_the_file(
    content: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        build(content, {}, where=Path("corpus-drift.toml"))
    assert said in str(caught.value)
    for words_of_python in ("Field required", "Input should", "tuple", "dictionary", "Section", "instance of"):
        assert words_of_python not in str(caught.value)


# ---------------------------------------------------------------- a migration


CORPUS: dict[str, Any] = {"dimension": 3, "embedding_version": "v1"}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"from": "v2"}, "from = to = 'v2': expected two embedding versions"),
        ({"from": "v0"}, "migration.from = 'v0': expected 'v1', as the corpus's"),
        ({"dense": {"colection": "b"}}, "migration.dense.colection: no such key; expected one of "),
        ({"dense": {"engine": "server"}}, "migration.dense: dense.engine = 'server' needs dense.url"),
        ({"dense": {"read": True}}, "migration.dense.read = true: expected an index that others fill"),
        ({"dense": {"api_key": "hush"}}, "migration.dense.api_key: a secret in the file; that of [dense] holds"),
        ({"fill": True}, "migration.fill = true: expected [migration.encoder]"),
        ({"dense": {"alias": "docs"}}, "migration.dense.alias: the embedded engine has no aliases"),
        ({"id": "no spaces"}, "migration.id = 'no spaces': expected text of the form"),
    ],
)
def test_a_migration_that_cannot_be_is_said_in_one_line(more: dict[str, Any], said: str) -> None:
    content: dict[str, dict[str, Any]] = {"corpus": CORPUS, "dense": {"engine": "embedded"}}
    content["migration"] = {**MIGRATION, **more}
    assert any(said in line for line in problems(**content)), problems(**content)


def test_a_migration_needs_a_dense_leg() -> None:
    assert problems(migration=MIGRATION) == ["migration: dense.engine = 'none': expected a dense leg to migrate"]


def test_the_new_index_is_as_the_old_one_but_for_what_is_said_of_it() -> None:
    dense = {"engine": "server", "url": "http://q:1", "collection": "a", "chunk_id_field": "id"}
    chosen = {**MIGRATION, "dense": {"collection": "b", "alias": "docs"}}
    found = made(corpus=CORPUS, dense=dense, migration=chosen)
    assert found.migration is not None
    target = found.target_dense(found.migration).settings
    assert (target.url, target.collection, target.chunk_id_field) == ("http://q:1", "b", "id")
    assert found.dense.settings.collection == "a"


KAFKA = {"bootstrap_servers": ["127.0.0.1:9"], "topics": ["t"]}


@pytest.mark.parametrize(
    ("source", "bootstrap", "said"),
    [
        (
            {"kafka": {**KAFKA, "start": "latest"}},
            {},
            "bootstrap and source.kafka.start = 'latest': what changed since the files were written would be lost;",
        ),
        (
            {"qdrant": {"url": "http://127.0.0.1:9", "collection": "docs"}},
            {},
            "bootstrap and source.qdrant: its scan of a collection stands for the past; expected one of them",
        ),
        ({"kafka": {**KAFKA, "bootstrap": {}}}, {}, "bootstrap and source.kafka: its scan of a collection stands"),
        (
            {"kafka": KAFKA},
            {"path": "s3://key:hush@bucket/x"},
            "bootstrap.path: a secret in the file; expected",
        ),
        ({"kafka": KAFKA}, {"partitioner": "sha1"}, "bootstrap.partitioner = 'sha1': expected 'murmur2' or 'crc32'"),
        (
            {"kafka": KAFKA},
            {"fields": {"key": "k"}},
            "bootstrap.fields.key: no such key; expected one of preset",
        ),
        ({"kafka": KAFKA}, {"path": ""}, "bootstrap.path = '': "),
    ],
)
def test_files_that_cannot_stand_for_the_past_are_refused(
    source: dict[str, Any], bootstrap: dict[str, Any], said: str
) -> None:
    content = {"source": source, "anchors": {"path": "a.jsonl"}, "bootstrap": {"path": "chunks", **bootstrap}}
    with pytest.raises(ConfigurationError) as raised:
        build(content, {}, where=Path("c.toml"))
    lines = [line.removeprefix("c.toml: ") for line in str(raised.value).splitlines()]
    assert any(line.startswith(said) for line in lines), lines
    assert not any("hush" in line for line in lines)


def test_latest_is_no_loss_where_offsets_are_stated() -> None:
    source = {"kafka": {**KAFKA, "start": "latest"}}
    content = {"source": source, "dense": {"engine": "none"}, "anchors": {"path": "a.jsonl"}}
    files = {"path": "chunks", "offsets": {"t": {"0": 12}}}
    made = build({**content, "bootstrap": files}, {}, where=Path("c.toml"))
    assert made.bootstrap is not None
    assert made.bootstrap.offsets == {"t": {0: 12}}
