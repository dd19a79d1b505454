# perfsynth: `make demo` plays a score, `make test` checks everything. Both set up what they need.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO_SCORE ?= examples/petzold-minuet.musicxml
DEMO_SOUND ?= build/demo.wav

.PHONY: demo test help check lint types docs docs-check docs-run man gallery setup system clean

demo: setup ## render the example score to a WAV
	@mkdir -p $(dir $(DEMO_SOUND))
	$(BIN)/perfsynth render $(DEMO_SCORE) --force -o $(DEMO_SOUND)

test: setup check docs-run ## style, types, documentation and its examples, tests with coverage
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile --cov --cov-report=term:skip-covered

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9%-]+:.*## / { printf "%-17s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

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
SOUNDS ?=
VIOLIN ?=

.PHONY: tables corpus train-cantabile train-m2m train-deep-performer-align

tables: setup $(CORPUS)/manifest.jsonl ## NASAP=folder of (n)ASAP: models of performance and of sound beside people, samples and ladders; SOUNDS=corpus of sounds: the papers' systems in RUNS
	$(BIN)/python benchmarks/expression.py $(CORPUS) --split test
	$(BIN)/python benchmarks/piano.py $(NASAP) $(if $(SALAMANDER),--samples $(SALAMANDER)) --costs
	$(if $(SOUNDS),$(BIN)/python benchmarks/seed_systems.py $(SOUNDS) $(RUNS) $(if $(VIOLIN),--violin $(VIOLIN)))

data-%: setup ## fetch a dataset: make data-maestro ARGS=--accept-licence; perfsynth data lists them
	$(BIN)/perfsynth data $* fetch $(ARGS)

corpus: $(CORPUS)/manifest.jsonl ## arrays to train on, from (n)ASAP

$(CORPUS)/manifest.jsonl: | setup
	$(BIN)/perfsynth data nasap prepare $(NASAP) -o $(CORPUS)

train-cantabile: setup corpus ## the performance model that ships: three networks, joined; 16 to 40 minutes each on one core
	for seed in 2 3; do $(BIN)/perfsynth train configs/cantabile.toml --corpus $(CORPUS) -o $(RUNS)/cantabile-$$seed --seed $$seed || exit 1; done
	$(BIN)/perfsynth train configs/cantabile-varied.toml --corpus $(CORPUS) -o $(RUNS)/cantabile-varied --seed 4
	$(BIN)/python tools/ship_cantabile.py $(CORPUS) $(RUNS)/cantabile-2/best $(RUNS)/cantabile-3/best $(RUNS)/cantabile-varied/best -o $(RUNS)/cantabile

train-m2m train-deep-performer-align: train-%: setup corpus
	$(BIN)/perfsynth train configs/$*.toml --corpus $(CORPUS) -o $(RUNS)/$*

# From raw data to a model that has been judged: small, in minutes, from data that lies on this disk. Each line goes on
# where it was interrupted, and prints what to run for all of the data.
PIPELINES ?= build/pipelines
BACH_VIOLIN ?= data/bach-violin
MAESTRO ?= $(PIPELINES)/maestro/raw
RUN := $(BIN)/perfsynth
FINDINGS_ARE_FINE := || test $$? -eq 3

.PHONY: pipeline-piano pipeline-violin pipeline-maestro

pipeline-piano: setup ## NASAP=folder: prepare, check, train a performance model, judge it among people
	mkdir -p $(PIPELINES)/piano
	{ head -n 1 $(NASAP)/metadata.csv; grep -E '^Bach,Prelude_bwv_(846|854|858|860|876|888),' $(NASAP)/metadata.csv; } > $(PIPELINES)/piano/metadata.csv
	$(RUN) data nasap prepare $(NASAP) --metadata $(PIPELINES)/piano/metadata.csv -o $(PIPELINES)/piano/corpus
	$(RUN) data nasap manifest $(NASAP) -o $(PIPELINES)/piano/all.jsonl --force --quiet
	grep -E '"id": "Bach/Prelude/bwv_8(46|76|88)/' $(PIPELINES)/piano/all.jsonl > $(PIPELINES)/piano/some.jsonl
	$(RUN) data check $(PIPELINES)/piano/some.jsonl --report $(PIPELINES)/piano/quality.html --force $(FINDINGS_ARE_FINE)
	$(RUN) train configs/pipeline-piano.toml --corpus $(PIPELINES)/piano/corpus -o $(PIPELINES)/piano/run
	grep '"split": "valid"' $(PIPELINES)/piano/some.jsonl | sed 's/"performance":/"reference":/' > $(PIPELINES)/piano/held-out.jsonl
	$(RUN) render-performance --manifest $(PIPELINES)/piano/held-out.jsonl --out-dir $(PIPELINES)/piano/played --force \
	  --model cantabile --weights $(PIPELINES)/piano/run/best --results $(PIPELINES)/piano/played.jsonl
	$(RUN) evaluate performance --manifest $(PIPELINES)/piano/played.jsonl --out-dir $(PIPELINES)/piano/judged --force
	@echo "for all of it: make train-cantabile tables NASAP=$(NASAP)"

pipeline-violin: setup ## BACH_VIOLIN=folder: align recordings, check, train a model of the violin's sound, judge it
	mkdir -p $(PIPELINES)/violin
	$(RUN) data bach-violin prepare $(BACH_VIOLIN) -o $(PIPELINES)/violin/all.jsonl --force
	$(RUN) align --manifest $(PIPELINES)/violin/all.jsonl --out-dir $(PIPELINES)/violin/aligned --skip-existing --quiet \
	  --results $(PIPELINES)/violin/aligned.jsonl --failures $(PIPELINES)/violin/failed.jsonl $(FINDINGS_ARE_FINE)
	$(RUN) data check $(PIPELINES)/violin/aligned.jsonl --force --report $(PIPELINES)/violin/quality.html \
	  --passed $(PIPELINES)/violin/good.jsonl $(FINDINGS_ARE_FINE)
	$(RUN) data sounds $(PIPELINES)/violin/good.jsonl -o $(PIPELINES)/violin/corpus --cut 10 --most 3
	$(RUN) train configs/pipeline-violin.toml --corpus $(PIPELINES)/violin/corpus -o $(PIPELINES)/violin/run
	$(call held-out,$(PIPELINES)/violin)
	$(RUN) synth-mel --manifest $(PIPELINES)/violin/corpus/held-out.jsonl --out-dir $(PIPELINES)/violin/mel --force \
	  --model deep-performer --weights $(PIPELINES)/violin/run/best --results $(PIPELINES)/violin/mel.jsonl
	$(RUN) vocode --manifest $(PIPELINES)/violin/mel.jsonl --out-dir $(PIPELINES)/violin/made --force --source bowed \
	  --results $(PIPELINES)/violin/made.jsonl
	$(call judge,$(PIPELINES)/violin)
	@echo "for all of it: $(RUN) data sounds $(PIPELINES)/violin/good.jsonl -o $(CORPUS)-violin --cut 30"
	@echo "               $(RUN) train configs/deep-performer.toml --corpus $(CORPUS)-violin -o $(RUNS)/violin"

pipeline-maestro: setup $(MAESTRO)/maestro-v3.0.0.csv ## MAESTRO=folder, else one made of NASAP: check, train a piano's sound, judge it
	$(RUN) data maestro check $(MAESTRO) $(FINDINGS_ARE_FINE)
	$(RUN) data maestro prepare $(MAESTRO) -o $(PIPELINES)/maestro/all.jsonl --force
	head -n 8 $(PIPELINES)/maestro/all.jsonl > $(PIPELINES)/maestro/some.jsonl
	$(RUN) data check $(PIPELINES)/maestro/some.jsonl --force --report $(PIPELINES)/maestro/quality.html \
	  --passed $(PIPELINES)/maestro/good.jsonl $(FINDINGS_ARE_FINE)
	$(RUN) data sounds $(PIPELINES)/maestro/good.jsonl -o $(PIPELINES)/maestro/corpus --cut 10 --most 3
	$(RUN) train configs/pipeline-maestro.toml --corpus $(PIPELINES)/maestro/corpus -o $(PIPELINES)/maestro/run
	$(call held-out,$(PIPELINES)/maestro)
	$(RUN) synth-audio --manifest $(PIPELINES)/maestro/corpus/held-out.jsonl --out-dir $(PIPELINES)/maestro/made --force \
	  --engine performancenet --weights $(PIPELINES)/maestro/run/best --results $(PIPELINES)/maestro/made.jsonl
	$(call judge,$(PIPELINES)/maestro)
	@echo "for all of it: $(RUN) data maestro fetch --accept-licence"
	@echo "               $(RUN) data maestro prepare -o maestro.jsonl"
	@echo "               $(RUN) data check maestro.jsonl --jobs 0 --report quality.html --passed good.jsonl"
	@echo "               $(RUN) data sounds good.jsonl -o $(CORPUS)-maestro --cut 30"
	@echo "               $(RUN) train configs/performancenet-paper-size.toml --corpus $(CORPUS)-maestro -o $(RUNS)/maestro"

# The recordings that were held out and begin with their performances, as what the model makes of those is to be judged
# against.
define held-out
	grep '"split": "valid".*"start_s": 0.0' $(1)/corpus/recordings.jsonl | sed 's/"audio":/"reference":/' > $(1)/corpus/held-out.jsonl
endef

define judge
	$(RUN) evaluate audio --manifest $(1)/made.jsonl --out-dir $(1)/judged --no-ladder --force
endef

# In MAESTRO's layout: performances of (n)ASAP on the piano that comes along.
$(PIPELINES)/maestro/raw/maestro-v3.0.0.csv: | setup
	mkdir -p $(@D)/2018
	echo canonical_composer,canonical_title,split,year,midi_filename,audio_filename,duration > $@.part
	for row in train:858/VuV01M train:860/Ko04M validation:846/Shi05M; do \
	  piece=$${row#*:}; name=2018/$$(echo $$piece | tr / _); \
	  cp $(NASAP)/Bach/Prelude/bwv_$$piece.mid $(@D)/$$name.midi; \
	  $(RUN) synth-audio $(@D)/$$name.midi --engine modal -o $(@D)/$$name.wav --force || exit 1; \
	  echo "Johann Sebastian Bach,Prelude $$piece,$${row%:*},2018,$$name.midi,$$name.wav,$$($(BIN)/python -c \
	    'import soundfile, sys; print(soundfile.info(sys.argv[1]).duration)' $(@D)/$$name.wav)" >> $@.part; done
	mv $@.part $@
