"""Snapshots and deploy records as compressed MessagePack: arrays as raw little-endian bytes, no pickle."""

import zlib
from typing import Any

import msgspec
import numpy as np

from monitor.adapters.stores.sqlite.blame_form import attribution, plain_attribution, plain_statistics, statistics
from monitor.adapters.stores.sqlite.contents import packed, unpacked
from monitor.adapters.stores.sqlite.profiles import plain_profile, profile_of
from monitor.adapters.stores.sqlite.report_form import plain_report, replaced_baseline, report_of
from monitor.core.index.baseline import Adopted, AnchorMark, Approval, Member, Snapshot
from monitor.core.index.lexical.sources import SourceStatistics
from monitor.core.judging.policy import Verdict
from monitor.core.model.events import Partition, Segment
from monitor.core.model.fingerprint import Fingerprint
from monitor.core.model.index_config import IndexConfig
from monitor.core.model.lists import RankedLists
from monitor.core.model.production import ProductionLists
from monitor.core.model.report import DriftReport
from monitor.core.records.committed import DeployRecord, KeptProduction

ZLIB = b"\x78"
"""How a compressed record begins; one that is not begins with a map or an array of MessagePack."""


def pack_snapshot(snapshot: Snapshot) -> bytes:
    """A snapshot as bytes, shingles included; the same snapshot gives the same bytes."""
    shingles = [(key, packed(of)) for key, of in sorted(snapshot.shingles.items())]
    return _small(msgspec.msgpack.encode({**_plain(snapshot), "shingles": shingles}))


def unpack_snapshot(stored: bytes) -> Snapshot:
    """The inverse of `pack_snapshot`, bit for bit."""
    return _snapshot(msgspec.msgpack.decode(_whole(stored)))


def pack_deploy(record: DeployRecord) -> bytes:
    """A deploy record as bytes; the same record gives the same bytes. Shingles are not in it: see `Contents`."""
    plain = (
        record.deploy_id,
        record.event_time,
        record.verdict,
        plain_report(record.report),
        _plain(record.snapshot),
    )
    found = None if record.attributions is None else [plain_attribution(one) for one in record.attributions]
    return _small(msgspec.msgpack.encode((*plain, found, record.adopted, record.expected, record.judged_again)))


def unpack_deploy(stored: bytes) -> DeployRecord:
    """The inverse of `pack_deploy`, without shingles."""
    deploy_id, time, verdict, report, snapshot, *more = msgspec.msgpack.decode(_whole(stored))
    # the first is kept since blame names events, the others since a baseline moves on and a deploy is judged again
    kept: list[Any] = [*more, *[None, None, [], ""][len(more) :]]
    found, moved, expected, again = kept
    return DeployRecord(
        deploy_id,
        time,
        msgspec.convert(verdict, Verdict),
        report_of(report),
        _snapshot(snapshot),
        None if found is None else tuple(attribution(one) for one in found),
        None if moved is None else msgspec.convert(moved, Adopted),
        _segment(expected),
        again,
    )


def unpack_judgement(stored: bytes) -> tuple[DriftReport, Verdict]:
    """The report and verdict of a deploy record, and nothing else of it."""
    parts = msgspec.msgpack.decode(_whole(stored), type=list[msgspec.Raw])
    verdict, report = msgspec.msgpack.decode(parts[2], type=Verdict), msgspec.msgpack.decode(parts[3])
    return report_of(report), verdict


def pack_report(report: DriftReport, verdict: Verdict) -> bytes:
    """A report with its verdict as bytes."""
    return _small(msgspec.msgpack.encode((plain_report(report), verdict)))


def unpack_report(stored: bytes) -> tuple[DriftReport, Verdict]:
    """The inverse of `pack_report`."""
    report, verdict = msgspec.msgpack.decode(_whole(stored))
    return report_of(report), msgspec.convert(verdict, Verdict)


def pack_production(kept: KeptProduction) -> bytes:
    """What was overheard of production, as bytes."""
    of, places = kept.lists, sorted((*part, at) for part, at in kept.positions.items())
    lists = _plain_lists(of.lists), _plain_lists(of.again)
    return _small(msgspec.msgpack.encode((list(kept.digests), *lists, sorted(of.strangers.items()), places)))


def unpack_production(stored: bytes) -> KeptProduction:
    """The inverse of `pack_production`; why a list is not known is not kept, there is one reason."""
    digests, lists, again, strangers, places = msgspec.msgpack.decode(_whole(stored))
    found = ProductionLists(_lists(lists), _lists(again), dict(strangers))
    return KeptProduction(digests, found, {Partition(topic, part): at for topic, part, at in places})


class _Statistics(msgspec.Struct):
    """The one field of a snapshot that is read; the decoder skips the others."""

    statistics: dict[str, Any] | None = None


def unpack_statistics(stored: bytes) -> SourceStatistics | None:
    """The BM25 statistics of a deploy record, and nothing else of it."""
    snapshot = msgspec.msgpack.decode(_whole(stored), type=list[msgspec.Raw])[4]
    return statistics(msgspec.msgpack.decode(snapshot, type=_Statistics).statistics)


def _small(encoded: bytes) -> bytes:
    """Compressed: names of chunks, documents and measurements repeat, so a third of the bytes is left."""
    return zlib.compress(encoded, 1)


def _whole(stored: bytes) -> bytes:
    """The inverse of `_small`; what was stored before there was compression is returned as it is."""
    if stored[:1] != ZLIB:
        return stored
    try:
        return zlib.decompress(stored)
    except zlib.error as error:
        message = f"compressed record: {error}"
        raise ValueError(message) from error


def _plain(snapshot: Snapshot) -> dict[str, Any]:
    return {
        "name": snapshot.name,
        "deploy_id": snapshot.deploy_id,
        "event_time": snapshot.event_time,
        "fingerprint": snapshot.fingerprint,
        "anchors": [(name, mark.digest, mark.segment) for name, mark in snapshot.anchors.items()],
        "lists": {leg: _plain_lists(lists) for leg, lists in sorted(snapshot.lists.items())},
        "members": sorted((key, member) for key, member in snapshot.members.items()),
        "corpus": dict(sorted(snapshot.corpus.items())),
        "positions": dict(sorted(snapshot.positions.items())),
        "approval": snapshot.approval,
        **({} if snapshot.noise is None else {"noise": _plain_lists(snapshot.noise)}),
        **({} if snapshot.again is None else {"again": _plain_lists(snapshot.again)}),
        **({"strangers": sorted(snapshot.strangers.items())} if snapshot.strangers else {}),
        **({} if snapshot.configuration is None else {"configuration": snapshot.configuration.parameters}),
        **({"replaces": snapshot.replaces} if snapshot.replaces else {}),
        "statistics": plain_statistics(snapshot.statistics),
        "profile": plain_profile(snapshot.profile),
    }


def _snapshot(plain: dict[str, Any]) -> Snapshot:
    return Snapshot(
        name=plain["name"],
        deploy_id=plain["deploy_id"],
        event_time=plain["event_time"],
        fingerprint=Fingerprint.of(plain["fingerprint"]),
        anchors={name: AnchorMark(digest, _segment(segment)) for name, digest, segment in plain["anchors"]},
        lists={leg: _lists(lists) for leg, lists in plain["lists"].items()},
        members={key: msgspec.convert(member, Member) for key, member in plain["members"]},
        corpus=plain["corpus"],
        positions=plain["positions"],
        noise=_lists(plain["noise"]) if "noise" in plain else None,
        again=_lists(plain["again"]) if "again" in plain else None,
        strangers=dict(plain.get("strangers", ())),
        replaces=plain.get("replaces", "") or replaced_baseline(plain["name"]),
        configuration=_configuration(plain["configuration"]) if "configuration" in plain else None,
        approval=None if plain["approval"] is None else msgspec.convert(plain["approval"], Approval),
        statistics=statistics(plain.get("statistics")),
        shingles={key: unpacked(stored) for key, stored in plain.get("shingles", ())},
        profile=profile_of(plain.get("profile")),
    )


def _configuration(pairs: list[list[str]]) -> IndexConfig:
    return IndexConfig(tuple((name, value) for name, value in pairs))


def _segment(pairs: list[list[str]]) -> Segment:
    return tuple((name, value) for name, value in pairs)


def _plain_lists(lists: RankedLists) -> dict[str, Any]:
    return {
        "depth": lists.depth,
        "keys": lists.keys.astype("<i8").tobytes(),
        "scores": lists.scores.astype("<f8").tobytes(),
        "lengths": lists.lengths.astype("<i8").tobytes(),
        "known": lists.known.astype("u1").tobytes(),
    }


def _lists(plain: dict[str, Any]) -> RankedLists:
    shape = (-1, plain["depth"])
    return RankedLists(
        np.frombuffer(plain["keys"], "<i8").reshape(shape),
        np.frombuffer(plain["scores"], "<f8").reshape(shape),
        np.frombuffer(plain["lengths"], "<i8"),
        np.frombuffer(plain["known"], "u1").astype(np.bool_),
    )
