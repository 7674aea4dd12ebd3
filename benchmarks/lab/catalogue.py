"""All planted kinds by name."""

from collections.abc import Mapping

from benchmarks.lab import (
    plants_intruders,
    plants_loss,
    plants_pipeline,
    plants_same,
    plants_template,
    plants_vectors,
)
from benchmarks.lab.kinds import Kind

_MODULES = (plants_loss, plants_vectors, plants_intruders, plants_pipeline, plants_same, plants_template)
KINDS: Mapping[str, Kind] = {kind.name: kind for module in _MODULES for kind in module.KINDS}
