"""Corpus Drift Monitor: which corpus change moved which answers, and may it stay?"""

__version__ = "0.1.0"
