"""Corpus Drift Monitor: which corpus change moved which answers, and may it stay?"""

import os

# Before numpy is loaded: one thread does all the work, and its products are small. The threads that OpenBLAS keeps
# for them wait by spinning: on two busy cores that took more time than everything else in a turn.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

__version__ = "0.1.0"
