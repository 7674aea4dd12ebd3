#!/usr/bin/env bash
# Writes the four locks from pyproject.toml: versions and hashes, no index address. Needs uv on the PATH.
set -euo pipefail
cd "$(dirname "$0")/.."
lock() { uv pip compile --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --quiet "$@"; }
lock pyproject.toml requirements/build.in --extra pgvector -o requirements/run.txt
lock pyproject.toml requirements/build.in --extra pgvector --extra ray --extra parquet -c requirements/run.txt -o requirements/ray.txt
lock pyproject.toml requirements/build.in requirements/oracles.in --override requirements/override.txt --extra test -c requirements/run.txt -o requirements/test.txt
lock pyproject.toml requirements/build.in requirements/oracles.in --override requirements/override.txt --extra bench -c requirements/test.txt -o requirements/bench.txt
