# perfsynth: `make demo` plays a score, `make test` checks everything. Both set up what they need.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO_SCORE ?= examples/petzold-minuet.musicxml
DEMO_SOUND ?= build/demo.wav

.PHONY: demo test check lint types docs docs-check docs-run man gallery setup system clean

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

docs: setup ## write the command reference, the Python API and the list of models anew
	$(BIN)/python tools/cli_reference.py > docs/cli.md
	$(BIN)/python tools/python_page.py > docs/python.md
	$(BIN)/python tools/models_page.py > docs/models.md

docs-check: setup ## links, anchors and options in the docs; make docs-run also runs the examples
	@$(BIN)/python tools/cli_reference.py | diff -u docs/cli.md - || (echo "docs/cli.md is out of date: make docs"; exit 1)
	@$(BIN)/python tools/check_docs.py

docs-run: setup
	$(BIN)/python tools/check_docs.py --run

man: setup ## man pages into build/man
	$(BIN)/python tools/man_pages.py

gallery: setup ## the sounds and pictures of docs/gallery.md
	$(BIN)/python tools/gallery.py

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

# The figures of the docs, and the models that ship, from raw data.
NASAP ?= data/nasap
SALAMANDER ?=
CORPUS ?= build/corpus
RUNS ?= build/runs

.PHONY: tables corpus train-cantabile train-m2m train-deep-performer-align

tables: setup $(CORPUS)/manifest.jsonl ## NASAP=folder of (n)ASAP: models of performance and of sound beside people, samples and ladders
	$(BIN)/python benchmarks/expression.py $(CORPUS) --split test
	$(BIN)/python benchmarks/piano.py $(NASAP) $(if $(SALAMANDER),--samples $(SALAMANDER)) --costs

data-%: setup ## fetch a dataset: make data-maestro ARGS=--accept-licence; perfsynth data lists them
	$(BIN)/perfsynth data $* fetch $(ARGS)

corpus: $(CORPUS)/manifest.jsonl ## arrays to train on, from (n)ASAP

$(CORPUS)/manifest.jsonl: | setup
	$(BIN)/perfsynth data nasap prepare $(NASAP) -o $(CORPUS)

train-cantabile: setup corpus ## the performance model that ships: three seeds, joined; 16 minutes each on one core
	for seed in 1 2 3; do $(BIN)/perfsynth train configs/cantabile.toml --corpus $(CORPUS) -o $(RUNS)/cantabile-$$seed --seed $$seed || exit 1; done
	$(BIN)/python tools/ship_cantabile.py $(CORPUS) $(RUNS)/cantabile-1/best $(RUNS)/cantabile-2/best $(RUNS)/cantabile-3/best -o $(RUNS)/cantabile

train-m2m train-deep-performer-align: train-%: setup corpus
	$(BIN)/perfsynth train configs/$*.toml --corpus $(CORPUS) -o $(RUNS)/$*
