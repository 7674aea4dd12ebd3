"""What `explain` needs besides the committed state: the anchors, and the encoder where one is configured."""

from monitor.adapters.anchors_file import load
from monitor.app.configuration import Configuration
from monitor.app.explaining import CardContext
from monitor.app.wiring.retrieval import build_encoder
from monitor.ports import Encoder, UnreachableError


def around(configuration: Configuration, config: str) -> CardContext:
    """Anchors and encoder of a configuration; an encoder that does not answer is gone without.

    Args:
        configuration: names both.
        config: the configuration file that the card's commands name.
    """
    encoder = _encoder(configuration)
    version = configuration.corpus.embedding_version if encoder is None else encoder.embedding_version
    path = configuration.located(configuration.anchors.path)
    anchors, _ = load(path, dimension=0, default_embedding_version=version)  # a wrong anchor only lacks its text
    return CardContext(anchors, encoder, config)


def _encoder(configuration: Configuration) -> Encoder | None:
    if configuration.dense.adapter is None:
        return None
    try:
        return build_encoder(configuration)
    except UnreachableError:
        return None
