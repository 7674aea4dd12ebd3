"""Blame: which event explains each slot that entered or left a ranked list, folded up to whoever is to be asked."""

from monitor.core.attribution.attribution import Attribution, Cause, Statistics, attribute
from monitor.core.attribution.deploys import DeployLine
from monitor.core.attribution.fold import OTHERS, STATISTICS, UNEXPLAINED, UNNAMED, blamed, folded
from monitor.core.attribution.path import Milestone, Path
from monitor.core.index.since_baseline import Changes, Event

__all__ = [
    "OTHERS",
    "STATISTICS",
    "UNEXPLAINED",
    "UNNAMED",
    "Attribution",
    "Cause",
    "Changes",
    "DeployLine",
    "Event",
    "Milestone",
    "Path",
    "Statistics",
    "attribute",
    "blamed",
    "folded",
]
