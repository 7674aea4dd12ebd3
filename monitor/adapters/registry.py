"""Every kind of source, store, encoder, traffic and shards that a configuration file may name: one line each."""

from monitor.adapters.encoders.kinds import FASTEMBED, LATENT_SEMANTIC, OPENAI
from monitor.adapters.retrieval.pgvector.kind import PGVECTOR
from monitor.adapters.retrieval.qdrant.kinds import EMBEDDED, SERVER
from monitor.adapters.shards.ray.kind import RAY
from monitor.adapters.sources.git.kind import GIT
from monitor.adapters.sources.jsonl.kind import FILE
from monitor.adapters.sources.kafka.kind import KAFKA
from monitor.adapters.sources.qdrant.kind import QDRANT
from monitor.adapters.stores.sqlite.shards_kind import LOCAL
from monitor.adapters.traffic.forms import OPENINFERENCE, OTEL, PLAIN, UBI
from monitor.kinds import AdapterRegistry

REGISTERED = AdapterRegistry(
    sources=(
        KAFKA,
        FILE,
        GIT,
        QDRANT,
    ),
    retrievers=(
        EMBEDDED,
        SERVER,
        PGVECTOR,
    ),
    encoders=(
        OPENAI,
        FASTEMBED,
        LATENT_SEMANTIC,
    ),
    traffic=(
        UBI,
        OTEL,
        OPENINFERENCE,
        PLAIN,
    ),
    shards=(
        LOCAL,
        RAY,
    ),
)
