"""`shards.engine = "ray"`: actors of a Ray cluster hold the shards."""

from importlib.util import find_spec

from monitor.adapters.shards.ray.section import RaySection
from monitor.core.shards.port import DurableShards
from monitor.kinds import FillingContext, ShardsContext, ShardsKind
from monitor.ports import ConfigurationError, CorpusFiller


def _build(section: RaySection, context: ShardsContext) -> DurableShards:
    _need_ray()
    from monitor.adapters.shards.ray.shards import RayShards

    return RayShards(
        context.config,
        context.anchors,
        section,
        name=section.name or context.state.stem,
        stream=context.stream,
        space=context.space,
    )


def _filler(section: RaySection, context: FillingContext) -> CorpusFiller:
    _need_ray()
    from monitor.adapters.shards.ray.filling import RayFilling

    return RayFilling(section, section.name or context.state.stem, context)


def _need_ray() -> None:
    if find_spec("ray") is None:
        message = "shards.engine = 'ray' needs the package ray, expected: pip install 'corpus-drift[ray]'"
        raise ConfigurationError(message)


def _lacking(section: RaySection) -> str:
    return "" if section.folder else "shards.engine = 'ray' needs shards.ray.folder, on the disk of each node"


def _ends(section: RaySection) -> str:
    return f"ray cluster {section.address}: its head is gone, and Ray ended this run; expected the cluster to be up"


def _silence(section: RaySection) -> float:
    return section.timeout + section.start_timeout


RAY = ShardsKind("ray", RaySection, _build, _filler, lacking=_lacking, ends=_ends, silence=_silence)
