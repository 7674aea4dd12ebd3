"""The drift lab: detectors over corpus streams with planted incidents, judged by what readers lost.

`python -m benchmarks.lab --short` runs it; docs/lab.md says what its table means.
"""
