# Two commands on a fresh machine: `make demo` and `make test`. Both make .venv from the committed locks.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/pip install --quiet --disable-pip-version-check --no-deps
WHERE ?= .demo

.PHONY: demo demo-migration live serve test suite kill bench docs fmt lint lock clean

demo: $(VENV)/.run
	$(BIN)/corpus-drift demo

demo-migration: $(VENV)/.run
	$(BIN)/corpus-drift demo --migration

live: $(VENV)/.test
	$(BIN)/python -m live $(LIVE)

serve: $(VENV)/.run
	$(BIN)/corpus-drift demo --folder $(WHERE) --serve

# `make -j2 test` does both at once.
test: lint suite

suite: $(VENV)/.test
	$(BIN)/pytest -n auto --dist loadscope --no-loadscope-reorder $(PYTEST)

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

kill: $(VENV)/.test
	$(BIN)/python -m tests.kill --kills 300 --seed 1

bench: $(VENV)/.bench
	$(BIN)/python -m benchmarks $(BENCH)

docs: $(VENV)/.test
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet --strict

fmt: $(VENV)/.test
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock:
	requirements/lock.sh

clean:
	rm -rf $(VENV) .demo .stack

# One environment grows from run to test to bench: every lock holds all that the one before it holds.
$(VENV)/bin/pip:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements/run.txt pyproject.toml | $(VENV)/bin/pip
	$(INSTALL) --require-hashes -r $<
	$(INSTALL) --no-build-isolation --editable .
	touch $@

$(VENV)/.test: requirements/test.txt $(VENV)/.run
	$(INSTALL) --require-hashes -r $<
	touch $@

$(VENV)/.bench: requirements/bench.txt $(VENV)/.test
	$(INSTALL) --require-hashes -r $<
	touch $@
