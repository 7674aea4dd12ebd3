"""Detectors of embedding drift over saved embeddings; runs in any Python that has the packages, one JSON a pair.

    python peers_worker.py FOLDER LIST

LIST is a file of lines "reference.npy current.npy"; beside each current file its answers are written. Needs numpy;
`evidently` and `alibi-detect` are used where they can be imported (the second one needs numpy below 2, so it has an
environment of its own), each with its defaults. Imports nothing of the lab, so that it runs without its packages.
"""

import json
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

MEAN_COSINE = 0.02
"""Cosine distance of the means from which on the simplest detector fires."""


def mean_cosine(reference: Any, current: Any) -> dict[str, Any]:
    """One minus the cosine of the mean vectors."""
    a, b = reference.mean(axis=0), current.mean(axis=0)
    lengths = float(np.linalg.norm(a) * np.linalg.norm(b))
    value = 1.0 - float(a @ b) / lengths if lengths else 1.0
    return {"value": value, "fired": value > MEAN_COSINE}


def evidently_model(reference: Any, current: Any) -> dict[str, Any]:
    """Evidently's default for embeddings: a classifier tells the two apart with an ROC AUC above .55."""
    import pandas as pd
    from evidently.legacy.metrics.data_drift.embedding_drift_methods import model

    value, fired, _ = model()(pd.DataFrame(current), pd.DataFrame(reference))
    return {"value": float(value), "fired": bool(fired)}


def alibi_ks(reference: Any, current: Any) -> dict[str, Any]:
    """alibi-detect's KSDrift: a Kolmogorov-Smirnov test of each component, Bonferroni, p below .05."""
    from alibi_detect.cd import KSDrift

    data = KSDrift(reference, p_val=0.05).predict(current)["data"]
    return {"value": -float(np.log10(max(float(np.min(data["p_val"])), 1e-300))), "fired": bool(data["is_drift"])}


DETECTORS = {"mean cosine": mean_cosine, "Evidently": evidently_model, "alibi-detect KS": alibi_ks}


def available() -> dict[str, Any]:
    """The detectors whose packages can be imported."""
    made = dict(DETECTORS)
    for name, package in (("Evidently", "evidently"), ("alibi-detect KS", "alibi_detect")):
        try:
            __import__(package)
        except ImportError:
            del made[name]
    return made


def main(folder: Path, pairs: Path) -> int:
    """Answer every pair."""
    warnings.simplefilter("ignore")
    detectors = available()
    for line in pairs.read_text(encoding="utf-8").splitlines():
        reference, current = line.split()
        out = folder / f"{reference}--{current}.json"
        if out.exists() and out.stat().st_mtime > (folder / current).stat().st_mtime:
            continue
        a, b = (np.nan_to_num(np.load(folder / name).astype(np.float32)) for name in (reference, current))
        made: dict[str, Any] = {}
        for name, detector in detectors.items():
            begun = time.process_time()
            if len(b) < 2:  # nothing to look at: none of them says anything of an empty corpus
                made[name] = {"value": None, "fired": False, "seconds": 0.0}
                continue
            made[name] = {**detector(a, b), "seconds": time.process_time() - begun}
        out.write_text(json.dumps(made), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1]), Path(sys.argv[2])))
