"""Blame: which event explains each slot that entered or left a ranked list, folded up to whoever is to be asked."""

from monitor.core.attribution.attribution import Attribution, Cause, Statistics, attribute
from monitor.core.attribution.deploys import DeployTimeline
from monitor.core.attribution.fold import OTHERS, STATISTICS, UNEXPLAINED, UNNAMED, blamed, folded
from monitor.core.attribution.path import StatisticsCheckpoint, StatisticsTrajectory
from monitor.core.index.since_baseline import ChangesSinceBaseline, Event

__all__ = [
    "OTHERS",
    "STATISTICS",
    "UNEXPLAINED",
    "UNNAMED",
    "Attribution",
    "Cause",
    "ChangesSinceBaseline",
    "DeployTimeline",
    "Event",
    "Statistics",
    "StatisticsCheckpoint",
    "StatisticsTrajectory",
    "attribute",
    "blamed",
    "folded",
]
