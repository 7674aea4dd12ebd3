"""Blame: which event explains each slot that entered or left a ranked list, folded up to whoever is to be asked."""

from monitor.core.blame.attribution import Attribution, Cause, Statistics, attribute
from monitor.core.blame.changes import Changes, Event
from monitor.core.blame.deploys import DeployLine
from monitor.core.blame.fold import OTHERS, STATISTICS, UNEXPLAINED, UNNAMED, blamed, folded
from monitor.core.blame.path import Milestone, Path

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
