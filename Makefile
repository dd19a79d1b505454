# perfsynth: `make demo` plays a score, `make test` checks everything. Both set up what they need.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO_SCORE ?= examples/petzold-minuet.musicxml
DEMO_SOUND ?= build/demo.wav

.PHONY: demo test check lint types docs setup system clean

demo: setup ## render the example score to a WAV
	@mkdir -p $(dir $(DEMO_SOUND))
	$(BIN)/perfsynth render $(DEMO_SCORE) --force -o $(DEMO_SOUND)

test: setup check ## style, types, documentation, tests with coverage
	$(BIN)/python -m pytest --cov --cov-report=term:skip-covered

check: lint types docs-check

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup
	$(BIN)/mypy

docs: setup ## write the command reference anew
	$(BIN)/python tools/cli_reference.py > docs/cli.md

docs-check: setup
	@$(BIN)/python tools/cli_reference.py | diff -u docs/cli.md - || (echo "docs/cli.md is out of date: make docs"; exit 1)

setup: system $(VENV)/installed

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt torch
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

system: ## what pip cannot install; without it everything but the fluidsynth engine works
	@sh tools/system_packages.sh

clean:
	rm -rf $(VENV) build .mypy_cache .pytest_cache .ruff_cache

.PHONY: tables
NASAP ?= data/nasap
SALAMANDER ?=

tables: setup ## the engine table of the pianos: NASAP=folder of (n)ASAP, SALAMANDER=folder of the samples
	$(BIN)/python benchmarks/piano.py $(NASAP) $(if $(SALAMANDER),--samples $(SALAMANDER)) --costs
