PYTHON ?= python3
VENV ?= .venv
CONSTRAINTS ?= constraints.txt
BIN := $(VENV)/bin
READY := $(VENV)/.installed

.PHONY: install study dashboard test quick faults check docs notebooks bench clean

# The environment: pinned versions, made once, made again when the pins change.
install: $(READY)

$(READY): pyproject.toml $(CONSTRAINTS) pnn_core/fused/compile.py $(wildcard pnn_core/fused/cpu/*)
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c $(CONSTRAINTS) -e '.[dev]'
	$(BIN)/python -m pnn_core.fused.compile || true  # without a compiler, torch's own operators
	touch $@

# The main job: 24 trials on the embedded real data.
study: $(READY)
	$(BIN)/python -m study.run --space noise_masks

# The live page of every study that MLflow knows here.
dashboard: $(READY)
	$(BIN)/python -m dashboards.app

# Three at once on two cores: studies mostly wait for the processes that they start.
test: $(READY)
	$(BIN)/python -m pytest -n 3 --dist worksteal

# Tests that start no study: some minutes.
quick: $(READY)
	$(BIN)/python -m pytest -n 3 --dist worksteal tests/pnn_core tests/search_spaces tests/study/results \
	    tests/study/recording tests/study/search tests/study/simulation tests/study/stopping

# The lowest versions of the dependencies, as pins: make VENV=.venv-lowest CONSTRAINTS=lowest.txt quick
lowest.txt: pyproject.toml
	sed -nE 's/^    "([A-Za-z-]+)(\[[a-z]+\])?>=([0-9.]+).*/\1==\3/p' $< > $@

# Small real studies, struck and resumed: each kind of fault once, ROUNDS=50 at random, or one SEED=…
faults: $(READY)
	ROUNDS=$(ROUNDS) SEED=$(SEED) $(BIN)/python -m pytest -v tests/faults/test_faults.py

# What CI checks, short of the tests.
check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# The documentation as a site: site/docs/site.html. A dead link or a docstring that cannot be read fails.
docs: $(READY)
	$(BIN)/sphinx-build -q -W --keep-going -b html -c docs . site

# The executed notebooks of examples/, from its scripts.
notebooks: $(READY)
	$(BIN)/python docs/execute_notebooks.py

# How soon a front is reached, beside the recipe of Ray's and MLflow's documentation.
bench: $(READY)
	$(BIN)/python benchmarks/time_to_front.py --picture benchmarks/front.svg

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache site *.egg-info
