"""An evaluation says the same whenever it is worked out, in whatever thread, whatever came in the meantime."""

import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import pytest

from monitor.core.evaluation import Evaluation
from monitor.core.model.events import CorpusEvent, Deploy
from monitor.core.records.documents import report_document
from monitor.core.session import Session
from tests import corpora

SHAPE = corpora.Shape(chunks=600, deploys=5, anchors=120, churn=0.05, incident=True)
WAITING = 3
"""Evaluations that are not worked out yet, at least."""


@contextmanager
def switching_often() -> Iterator[None]:
    """Threads take turns every few bytecodes."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def said(of: Evaluation) -> str:
    """Report and verdict as text: NaN is equal to itself."""
    return str(report_document(*of.judged()))


def session(seed: int) -> Session:
    """Nothing in it yet."""
    anchors = corpora.anchors(seed, SHAPE)
    return Session(anchors, dimension=corpora.DIMENSION, depths=(10, 5), dimensions=("source", "language"))


def turns(seed: int, rng: np.random.Generator) -> Iterator[list[CorpusEvent]]:
    """The stream in batches of any size; a deploy's marker ends one."""
    batch: list[CorpusEvent] = []
    size = 0
    for event in corpora.events(seed, SHAPE):
        batch.append(event)
        if isinstance(event, Deploy) or len(batch) > size:
            yield batch
            batch, size = [], int(rng.choice([1, 3, 10, 40]))


@dataclass
class Asked:
    """One evaluation, made by two sessions: worked out at once by one, and some time by the other."""

    at_once: str
    later: Evaluation


def asked(seed: int, rng: np.random.Generator) -> Iterator[Asked]:
    """Evaluations of one stream, for deploys and between them."""
    prompt, late = session(seed), session(seed)
    for batch in turns(seed, rng):
        for one in (prompt, late):
            one.apply(batch)
        end = batch[-1]
        deploy = end.deploy_id if isinstance(end, Deploy) else ""
        if prompt.baseline is None:
            if deploy:
                for one in (prompt, late):
                    one.compare_with(one.snapshot("approved"))
            continue
        brief, rules = not deploy and bool(rng.integers(2)), prompt.default_policy()
        now, then = (one.evaluate(deploy, rules=rules, brief=brief) for one in (prompt, late))
        yield Asked(said(now), then)


@pytest.mark.parametrize("seed", [1, 2])
def test_out_of_order_and_in_several_threads(seed: int) -> None:
    rng, waiting, told = np.random.default_rng(seed), list[Asked](), list[tuple[str, Future[str]]]()
    with switching_often(), ThreadPoolExecutor(3) as pool:
        for one in asked(seed, rng):
            waiting.append(one)
            if len(waiting) > WAITING:
                some = waiting.pop(int(rng.integers(len(waiting))))
                told.append((some.at_once, pool.submit(said, some.later)))
        told += [(of.at_once, pool.submit(said, of.later)) for of in waiting]
        for at_once, later in told:
            assert later.result() == at_once
    assert len(told) > 20
