"""Production's own retriever, as configured."""

import json
from hashlib import blake2b

from monitor.adapters.production.answer_paths import AnswerPaths
from monitor.adapters.production.presets import MCP, PRODUCTION_PRESETS
from monitor.adapters.production.search_log import read_otel, read_ubi
from monitor.adapters.production.template import RequestTemplate
from monitor.app.configuration import Configuration
from monitor.app.health import Clocks
from monitor.app.overhearing import OverheardProduction
from monitor.app.production_section import Paths, ProductionSection
from monitor.app.wiring.logs import build_log
from monitor.core.model.anchors import AnchorSet
from monitor.ports import ConfigurationError, ProductionRetriever


def build_production(configuration: Configuration) -> ProductionRetriever | None:
    """The retriever that is asked; None where none is configured, or it is overheard.

    Raises:
        ConfigurationError: a template, a path or a header that cannot be meant.
    """
    chosen = configuration.production
    if chosen is None or chosen.passive:
        return None
    # httpx takes its time to import: only those who ask production wait for it.
    from monitor.adapters.production.http import HttpProduction, PlainExchange, ProductionSettings
    from monitor.adapters.production.mcp import McpExchange

    template, paths = _template(chosen), answer_paths(chosen)
    if "vector" in template.names and configuration.dense.adapter is None:
        message = "production.body: {vector}: the dense leg is off, so anchors have no vectors"
        raise ConfigurationError(message)
    settings = ProductionSettings(
        url=chosen.url,
        method=chosen.method,
        headers=chosen.headers,
        secrets=_secrets(chosen),
        ca_file=configuration.located_text(chosen.ca_file),
        rate=chosen.rate,
        concurrency=chosen.concurrency,
        timeout=chosen.timeout,
        max_answer_bytes=chosen.max_answer_bytes,
    )
    mcp = chosen.preset == MCP
    return HttpProduction(
        settings, McpExchange(chosen.tool, template, paths) if mcp else PlainExchange(template, paths)
    )


def build_searches(configuration: Configuration, anchors: AnchorSet, clocks: Clocks) -> OverheardProduction | None:
    """The log of searches that production is overheard in; None where none is named.

    Raises:
        ConfigurationError: the log's settings are wrong, one problem per line.
    """
    log = None if configuration.production is None else configuration.production.log
    if log is None:
        return None
    read = read_ubi if log.format == "ubi" else read_otel
    return OverheardProduction(
        build_log(configuration, log), read, anchors, clocks, k=max(configuration.measure.depths)
    )


def production_mark(configuration: Configuration) -> tuple[tuple[str, str], ...]:
    """What a baseline is bound to of the way production is asked, as a field of the fingerprint; () where it is not.

    Not the secrets, nor what only paces the requests.
    """
    chosen = configuration.production
    if chosen is None:
        return ()
    kept = {"preset", "url", "method", "body", "parameters", "tool", "results", "id", "document", "text", "headers"}
    said = json.dumps(
        chosen.model_dump(include=kept | {"log"} if chosen.passive else kept), sort_keys=True, default=str
    )
    where = "log" if chosen.passive else chosen.preset or "http"
    return (("production", f"{where}:{blake2b(said.encode(), digest_size=6).hexdigest()}"),)


def answer_paths(chosen: ProductionSection) -> AnswerPaths:
    """The preset's paths, and the stated ones before them."""
    preset = PRODUCTION_PRESETS.get(chosen.preset)
    known = AnswerPaths(results=("",)) if preset is None else preset.paths
    return AnswerPaths(
        results=_paths(chosen.results) or known.results,
        result_id=_paths(chosen.id) or known.result_id,
        document_id=_paths(chosen.document) or known.document_id,
        text=_paths(chosen.text) or known.text,
        score=_paths(chosen.score) or known.score,
    )


def _template(chosen: ProductionSection) -> RequestTemplate:
    preset = PRODUCTION_PRESETS.get(chosen.preset)
    needed = () if preset is None or chosen.body else preset.parameters
    missing = [name for name in needed if name not in chosen.parameters]
    if missing:
        message = f"production.preset = {chosen.preset!r}: expected production.parameters.{missing[0]}"
        raise ConfigurationError(message)
    return RequestTemplate(chosen.body or (preset.body if preset else {}), chosen.parameters)


def _paths(given: Paths) -> tuple[str, ...]:
    return tuple(of for of in ((given,) if isinstance(given, str) else given) if of)


def _secrets(chosen: ProductionSection) -> dict[str, str]:
    token, more = chosen.token.get_secret_value(), chosen.secret_headers.get_secret_value()
    made = {chosen.token_header: f"{chosen.token_prefix}{token}"} if token else {}
    if not more:
        return made
    try:
        given = json.loads(more)
    except ValueError:
        given = None
    if not isinstance(given, dict) or not all(isinstance(value, str) for value in given.values()):
        message = "production.secret_headers: not a JSON object of texts; expected header names and their values"
        raise ConfigurationError(message)
    return {**made, **given}
