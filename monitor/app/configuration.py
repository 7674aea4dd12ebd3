"""The configuration file: sections, keys, defaults and everything that can be wrong with them, said at once."""

import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, PrivateAttr, ValidationError, create_model, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from monitor.adapters.registry import REGISTERED
from monitor.app.alerts_section import AlertsSection
from monitor.app.bootstrap_section import FilesBootstrapSection
from monitor.app.configuration_errors import explained
from monitor.app.environment import PREFIX, overridden, secret_keys, secrets_in_file, variable
from monitor.app.migration_section import MigrationSection
from monitor.app.policy_section import PolicySection
from monitor.app.production_section import ProductionSection
from monitor.app.sections import (
    AnchorsSection,
    BaselineSection,
    CorpusSection,
    DenseSection,
    EncoderSection,
    HttpSection,
    LexicalSection,
    MeasureSection,
    SegmentsSection,
    ShardsSection,
    SourceSection,
    StateSection,
)
from monitor.app.traffic_section import TrafficSection
from monitor.core.alarms.hours import HOUR
from monitor.core.judging.default_policy import default_rules
from monitor.core.judging.integrity import integrity_rules
from monitor.core.judging.policy import Rule
from monitor.core.model.report import ALL, SHARE, Leg
from monitor.kinds import AdapterRegistry
from monitor.ports import ConfigurationError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    Sources = SourceSection
    Stores = DenseSection
    Encoders = EncoderSection
    Migrations = MigrationSection
    Traffics = TrafficSection
    Parts = ShardsSection
else:  # a type checker reads no sections that are made of the registry: it knows what they all have
    Sources = SourceSection.of(REGISTERED.sources)
    Stores = DenseSection.of(REGISTERED.retrievers)
    Encoders = EncoderSection.of(REGISTERED.encoders)
    Migrations = MigrationSection.of(REGISTERED.encoders)
    Traffics = TrafficSection.of(REGISTERED.traffic)
    Parts = ShardsSection.of(REGISTERED.shards)


class Configuration(BaseSettings):
    """The whole file; `CORPUS_DRIFT_SECTION__KEY` in the environment goes before it (see `build`)."""

    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, env_prefix=PREFIX, env_nested_delimiter="__", case_sensitive=False
    )

    corpus: CorpusSection = CorpusSection()
    segments: SegmentsSection = SegmentsSection()
    source: Sources
    dense: Stores = Stores()
    lexical: LexicalSection = LexicalSection()
    encoder: Encoders = Encoders()
    anchors: AnchorsSection
    production: ProductionSection | None = None
    traffic: Traffics | None = None
    measure: MeasureSection = MeasureSection()
    baseline: BaselineSection = BaselineSection()
    policy: PolicySection = PolicySection()
    alerts: AlertsSection = AlertsSection()
    http: HttpSection = HttpSection()
    state: StateSection = StateSection()
    migration: Migrations | None = None
    shards: Parts = Parts()
    bootstrap: FilesBootstrapSection | None = None

    _file: Path = PrivateAttr(default=Path("corpus-drift.toml"))

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what `build` has put together: neither the process's own environment nor a .env file is read here."""
        del settings_cls, env_settings, dotenv_settings, file_secret_settings  # the signature is pydantic's
        return (init_settings,)

    @model_validator(mode="after")
    def _whole(self) -> "Configuration":
        problems = [*self._dense_problems(), *self._lexical_problems(), *self._policy_problems()]
        problems += [*self._kept_problems(), *self._migration_problems(), *self._shards_problems()]
        problems += self._bootstrap_problems()
        if problems:
            raise ValueError("\n".join(problems))
        return self

    def _dense_problems(self) -> Iterator[str]:
        dense = self.dense.adapter is not None
        if dense and self.corpus.dimension == 0 and self.encoder.adapter is None:
            yield "corpus.dimension = 0: expected the vectors' dimension, or dense.engine = 'none'"
        if dense and not self.corpus.embedding_version and self.encoder.adapter is None:
            yield "corpus.embedding_version is empty: expected the name of encoder and settings that made the vectors"
        if not dense and not self.lexical.enabled:
            yield "dense.engine = 'none' and lexical.enabled = false: expected at least one leg"

    def _lexical_problems(self) -> Iterator[str]:
        chosen, store = self.lexical, self.dense.adapter
        if not chosen.served:
            return
        said = f"lexical.served = {chosen.served!r}"
        if not chosen.enabled:
            yield f"{said} and lexical.enabled = false: expected the maintained lists to compare it with"
        if not chosen.served_field:
            yield f"{said} needs lexical.served_field: the sparse vector, or the payload field with the text index"
        if store is None or store.lexical is None:
            yield f"{said} and dense.engine = {self.dense.engine!r}: expected 'server'"

    def _policy_problems(self) -> Iterator[str]:
        if not self.policy.defaults and not self.policy.rule:
            yield "policy.defaults = false and no [[policy.rule]]: a policy without rules passes nothing"
        names = Counter(rule.name for rule in self.rules())
        yield from (
            f"policy.rule {name!r}: {n} rules of that name, expected one" for name, n in names.items() if n > 1
        )
        for entry in self.policy.rule:
            on = self.judged_legs
            off = {"dense", "lexical", "production"} - set(on)
            if entry.leg in off or (entry.leg == "both" and off - {"production"}):
                yield f"policy.rule {entry.name!r}: leg {entry.leg!r} is switched off, expected one of {on}"
            if entry.dimension not in (ALL, *self.segments.dimensions):
                expected = ", ".join((ALL, *self.segments.dimensions))
                yield f"policy.rule {entry.name!r}: dimension {entry.dimension!r}, expected one of {expected}"
            if entry.stat == SHARE and entry.metric not in self.measure.beyond:
                yield f"policy.rule {entry.name!r}: stat 'share' needs the limit measure.beyond.{entry.metric}"
            if entry.k not in (None, 0, *self.measure.depths):
                yield f"policy.rule {entry.name!r}: k = {entry.k}, expected one of {self.measure.depths}"

    def _kept_problems(self) -> Iterator[str]:
        if self.baseline.mode == "rolling" and self.baseline.window > self.state.keep_deploys:
            kept = f"state.keep_deploys = {self.state.keep_deploys}"
            yield f"baseline.window = {self.baseline.window}: expected at most {kept}: older reports are not kept"
        if bool(self.http.certificate_file) != bool(self.http.key_file):
            yield "http.certificate_file, http.key_file: expected both or neither"

    def _migration_problems(self) -> Iterator[str]:
        chosen = self.migration
        if chosen is None:
            return
        if self.dense.adapter is None:
            yield "migration: dense.engine = 'none': expected a dense leg to migrate"
            return
        if self.corpus.embedding_version not in ("", chosen.old):
            yield f"migration.from = {chosen.old!r}: expected {self.corpus.embedding_version!r}, as the corpus's"
        secrets = {keys[0] for keys in secret_keys(type(self.dense))} & set(chosen.dense.model_extra or {})
        if secrets:
            yield from (
                f"migration.dense.{key}: a secret in the file; that of [dense] holds here too" for key in secrets
            )
            return
        try:
            dense = self.target_dense(chosen)
        except ValidationError as error:
            for item in error.errors():
                keys = ".".join(("migration", "dense", *map(str, item["loc"])))
                yield f"{keys}: {explained(item, type(self.dense))}"
            return
        owned = dense.adapter is not None and dense.adapter.owned
        if chosen.fill and chosen.encoder.adapter is None:
            yield "migration.fill = true: expected [migration.encoder]"
        if chosen.dense.read and (dense.adapter is None or owned):
            yield "migration.dense.read = true: expected an index that others fill"
        if owned and chosen.dense.alias:
            yield "migration.dense.alias: the embedded engine has no aliases"

    def _shards_problems(self) -> Iterator[str]:
        """What is not worked out over shards; docs/scale.md says why."""
        chosen, dense = self.shards, self.dense.adapter
        if not chosen.there:
            return
        said = f"shards.count = {chosen.count}"
        if dense is not None and dense.owned:
            yield (
                f"dense.engine = {self.dense.engine!r} and {said}: an index that is filled from the events needs one "
                "process; expected an index that production fills, or 'none'"
            )
        if self.migration is not None:
            yield f"migration and {said}: a second version is watched in one process; expected shards.count = 1"
        if self.traffic is not None:
            yield f"traffic and {said}: users' questions are searched in one process; expected shards.count = 1"
        if self.source.adapter.points(self.source.settings) is not None:
            yield (
                f"source.{self.source.adapter.name} and {said}: a scan of a collection has one partition, the stream "
                "others, so a chunk would be in two shards; expected a stream from its beginning, or shards.count = 1"
            )

    def _bootstrap_problems(self) -> Iterator[str]:
        """What does not go with files that stand for the stream's past; docs/bootstrap.md says why."""
        chosen, name, settings = self.bootstrap, self.source.adapter.name, self.source.settings
        if chosen is None:
            return
        if "@" in chosen.path.partition("://")[2].partition("/")[0]:
            yield "bootstrap.path: a secret in the file; expected it in the environment (AWS_SECRET_ACCESS_KEY)"
        if self.source.adapter.points(settings) is not None:
            yield f"bootstrap and source.{name}: its scan of a collection stands for the past; expected one of them"
        if getattr(settings, "start", "") == "latest" and not chosen.offsets:
            yield (
                f"bootstrap and source.{name}.start = 'latest': what changed since the files were written would be "
                "lost; expected 'earliest', a time before it, or bootstrap.offsets"
            )

    def target_dense(self, chosen: MigrationSection) -> DenseSection:
        """The section of the new version's index: `[dense]` with what `[migration.dense]` says instead.

        Raises:
            ValidationError: that is no section.
        """
        said = self.dense.model_dump(exclude_unset=True, by_alias=True)
        said.pop("path", None)  # two embedded indexes are never one
        return type(self.dense).model_validate({**said, **(chosen.dense.model_extra or {})})

    @classmethod
    def of(cls, registry: AdapterRegistry) -> "type[Configuration]":
        """The model of a file that may name other kinds than the registered ones."""
        dense, encoder = DenseSection.of(registry.retrievers), EncoderSection.of(registry.encoders)
        migration: Any = MigrationSection.of(registry.encoders)
        traffic: Any = TrafficSection.of(registry.traffic)
        shards = ShardsSection.of(registry.shards)
        return create_model(
            cls.__name__,
            __base__=cls,
            __module__=__name__,
            source=(SourceSection.of(registry.sources), ...),
            dense=(dense, dense()),
            encoder=(encoder, encoder()),
            migration=(migration | None, None),
            traffic=(traffic | None, None),
            shards=(shards, shards()),
        )

    @property
    def file(self) -> Path:
        """The file itself, as it was named."""
        return self._file

    def located(self, path: str) -> Path:
        """A path of the file, relative to the file's own folder."""
        return self._file.parent / Path(path).expanduser()

    def located_text(self, path: str) -> str:
        """`located` for clients that take text; "" stays ""."""
        return str(self.located(path)) if path else ""

    @property
    def k(self) -> int:
        """The depth that the default policy judges."""
        return self.measure.depths[0]

    @property
    def legs(self) -> tuple[Literal["dense", "lexical"], ...]:
        """The legs that are switched on."""
        dense: tuple[Literal["dense", "lexical"], ...] = ("dense",) if self.dense.adapter is not None else ()
        return (*dense, "lexical") if self.lexical.enabled else dense

    @property
    def round_seconds(self) -> float:
        """How long a round is: as the full replay's period where there is one, an hour at least."""
        return max(float(HOUR), self.dense.full_replay_seconds if self.dense.adapter is not None else 0.0)

    @property
    def replay_seconds(self) -> float:
        """The most seconds that one turn spends asking the index, and production."""
        asked = self.production is not None and not self.production.passive
        return self.dense.replay_deadline + (self.production.deadline if self.production and asked else 0.0)

    @property
    def judged_legs(self) -> tuple[Leg, ...]:
        """The legs that rules may be about: production too, where it is asked or overheard."""
        return self.legs if self.production is None else (*self.legs, "production")

    @property
    def learns(self) -> bool:
        """Whether limits are learnt: only where each deploy is compared with the one before it."""
        return self.policy.learn and self.baseline.mode == "previous-deploy"

    def rules(self) -> tuple[Rule, ...]:
        """The policy: integrity, then the defaults (unless switched off), then the file's own rules.

        What is only overheard never decides: right behind a deploy nobody has searched yet.
        """
        segments, legs = self.segments, self.judged_legs
        watched = self.legs if self.production is not None and self.production.passive else legs
        defaults = default_rules(segments.dimensions, legs, k=self.k, min_anchors=segments.min_anchors)
        if self.production is not None and self.production.passive:
            defaults = tuple(replace(of, severity="warning") if of.leg == "production" else of for of in defaults)
        own = tuple(entry.rule(self.k) for entry in self.policy.rule)
        chosen = tuple(
            replace(rule, bounds=self.policy.bounds) for rule in ((*defaults, *own) if self.policy.defaults else own)
        )
        integrity = integrity_rules(segments.dimensions, watched, self.policy.integrity.limits(), k=self.k)
        return (*integrity, *chosen) if self.policy.defaults else chosen


def load(path: Path, environment: Mapping[str, str], model: type[Configuration] = Configuration) -> Configuration:
    """Read and validate a configuration file.

    Args:
        path: the TOML file; relative paths in it are relative to its folder.
        environment: variables that go before the file, and where secrets (and their `_FILE` forms) are looked up.
        model: of the file; `Configuration.of` makes one with other kinds of sources, stores and encoders.

    Raises:
        ConfigurationError: every problem at once, one per line: file, key, value, expected.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        message = f"{path}: cannot be read: {error.strerror}; expected a TOML configuration file"
        raise ConfigurationError(message) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        message = f"{path}: not TOML: {error}"
        raise ConfigurationError(message) from error
    return build(content, environment, where=path, model=model)


def build(
    content: dict[str, Any],
    environment: Mapping[str, str],
    *,
    where: Path,
    model: type[Configuration] = Configuration,
) -> Configuration:
    """Validate the content of a configuration; `where` names it in errors and anchors its relative paths."""
    problems = list(secrets_in_file(content, model))
    merged, wrong = overridden(content, environment, model)
    problems += wrong
    try:
        made = model(**merged)
    except ValidationError as error:
        problems += [line for item in error.errors() for line in _lines(item, environment, model)]
    if problems:
        raise ConfigurationError("\n".join(f"{where}: {problem}" for problem in problems))
    made._file = where
    return made


def _lines(item: "ErrorDetails", environment: Mapping[str, str], model: type[Configuration]) -> Iterator[str]:
    """One line per problem; a value is shown unless its key is a secret or it is a whole table."""
    keys = ".".join(str(part) for part in item["loc"])
    shown = item.get("input")
    secret = any(keys.endswith(names[-1]) for names in secret_keys(model))
    value = "" if secret or isinstance(shown, dict | BaseModel) or item["type"] == "missing" else f" = {shown!r:.80}"
    name = variable(tuple(str(part) for part in item["loc"]))
    value += f" (from {name})" if name in environment else ""
    for line in explained(item, model).splitlines():
        yield f"{keys}{value}: {line}" if keys else line
