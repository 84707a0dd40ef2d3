PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.installed

.PHONY: install study dashboard test faults check bench clean

# The environment: pinned versions, made once, made again when the pins change.
install: $(READY)

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

# The main job: 24 trials on the embedded real data.
study: $(READY)
	$(BIN)/python -m study.run --space noise_masks

# The live page of every study that MLflow knows here.
dashboard: $(READY)
	$(BIN)/python -m dashboards.app

test: $(READY)
	$(BIN)/python -m pytest

# Small real studies, struck and resumed: each kind of fault once, ROUNDS=50 at random, or one SEED=…
faults: $(READY)
	ROUNDS=$(ROUNDS) SEED=$(SEED) $(BIN)/python -m pytest -v tests/faults/test_faults.py

# What CI checks, short of the tests.
check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(READY)
	$(BIN)/python benchmarks/study_overhead.py

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.egg-info
