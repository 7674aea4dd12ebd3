"""`encoder.kind`: an endpoint that speaks OpenAI's protocol, a model of fastembed's, or one that was fitted here."""

from collections.abc import Callable

from pydantic import Field, SecretStr

from monitor.kinds import EncoderContext, EncoderKind, Section
from monitor.ports import Encoder


class OpenAISection(Section):
    """An endpoint that speaks OpenAI's protocol."""

    url: str = ""
    model: str = ""
    api_key: SecretStr = SecretStr("")
    timeout: float = Field(30.0, gt=0)


class LocalModelSection(Section):
    """A model on this machine."""

    path: str = ""


def _openai(section: OpenAISection, context: EncoderContext) -> Encoder:
    from monitor.adapters.encoders.openai import OpenAIEncoder, OpenAISettings

    settings = OpenAISettings(
        url=section.url,
        model=section.model,
        embedding_version=context.embedding_version,
        dimension=context.dimension,
        api_key=section.api_key.get_secret_value(),
        timeout=section.timeout,
    )
    return OpenAIEncoder(settings)


def _fastembed(section: LocalModelSection, context: EncoderContext) -> Encoder:
    from monitor.adapters.encoders.fastembed_local import FastembedEncoder

    return FastembedEncoder(context.located(section.path), context.embedding_version, context.dimension)


def _latent_semantic(section: LocalModelSection, context: EncoderContext) -> Encoder:
    from monitor.adapters.encoders.latent import LatentSemanticEncoder

    return LatentSemanticEncoder.load(context.located(section.path))


def _without_endpoint(section: OpenAISection) -> str:
    named = section.url and section.model
    return "" if named else "encoder.kind = 'openai' needs encoder.url and encoder.model"


def _local(
    name: str, build: Callable[[LocalModelSection, EncoderContext], Encoder]
) -> EncoderKind[LocalModelSection]:
    """A kind whose model must be there: models are never downloaded."""
    wanted = f"encoder.kind = {name!r} needs encoder.path (models are never downloaded)"
    return EncoderKind(name, LocalModelSection, build, lambda section: "" if section.path else wanted, flat=True)


OPENAI = EncoderKind("openai", OpenAISection, _openai, _without_endpoint, flat=True)
FASTEMBED = _local("fastembed", _fastembed)
LATENT_SEMANTIC = _local("latent-semantic", _latent_semantic)
