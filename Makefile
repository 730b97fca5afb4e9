# calovox: environment, checks, demonstration. `make help` lists the targets.

PYTHON ?= python3
VENV ?= .venv
WORKERS ?= 2

BIN := $(VENV)/bin
CALOVOX := $(BIN)/calovox
# what every simulation depends on: changed options of this file, too
SOURCES := $(shell find src -name '*.py' -o -name '*.j2') $(wildcard src/calovox/shipped/patterns/*) Makefile
GRIDS := optimal regular coarse
GEANT4_EXTRAS := geant4,plot
DEV_EXTRAS := geant4,plot,train,cluster,dev

# Events for `make demo-geant4`: enough to see the differences, a few minutes on two cores.
FRESH := -n 300 --energy 49GeV:98GeV --eta abs:0.2:0.25 --seed 11

# Mean energy of a hit in the built-in detector, found with other showers (docs/design_choices.md).
E_HIT := 4MeV

SHARED_DATA := $(wildcard ../shared/geant4-data)
ifneq ($(SHARED_DATA),)
export GEANT4_DATA_DIR ?= $(abspath $(SHARED_DATA))
endif
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_CONSTRAINT := constraints.txt

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: help test test-slow test-runtimes test-lowest parity referee lint bench benchmark fuzz demo \
	demo-geant4 gates docs docs-tables pictures clean

help:
	@echo "make test         install the pinned environment, then lint, type-check and test"
	@echo "make test-slow    the slow tests: Geant4 and large samples"
	@echo "make test-runtimes  every kind of export in five versions of ONNX Runtime, and in node"
	@echo "make test-lowest  the tests with the lowest versions of everything"
	@echo "make demo         reports on the shipped sample: demo/report/index.html, demo/grids"
	@echo "make demo-geant4  the same on freshly generated events: demo/geant4/report/index.html"
	@echo "make gates        release gates of the shipped models: demo/gates, demo/gates_cells; TRAINING=FILES"
	@echo "make referee      boosted trees that tell models from Geant4: demo/referee.json, an hour"
	@echo "make fuzz         mutated files for every reader: five minutes, or INPUTS=100000"
	@echo "make bench        rates of the kernels, of Geant4 and of the files"
	@echo "make parity       FPD and KPD beside those of JetNet, which the CaloChallenge uses"
	@echo "make benchmark    time and memory of the shipped models beside those of the note"
	@echo "make docs         build the documentation into build/docs"
	@echo "make docs-tables  put the numbers of demo, gates and benchmark into the documents"
	@echo "make pictures     put pictures of the reports of make demo into the documents"
	@echo "make clean        remove what the targets above made, but for the environment"

# -- environment: one stamp per set of extras ------------------------------------------------

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "needs Python 3.11 or newer: make PYTHON=python3.11 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)

define install
$(BIN)/python -m pip install --editable '.[$(1)]'
@touch $@
endef

$(VENV)/.plot: pyproject.toml constraints.txt | $(BIN)/python
	$(call install,plot)

$(VENV)/.geant4: pyproject.toml constraints.txt | $(BIN)/python
	$(call install,$(GEANT4_EXTRAS))

$(VENV)/.dev: pyproject.toml constraints.txt | $(BIN)/python
	$(call install,$(DEV_EXTRAS))

$(VENV)/.docs: pyproject.toml constraints.txt | $(BIN)/python
	$(call install,docs)

# -- checks ----------------------------------------------------------------------------------

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# side by side on a few cores: a process takes some 700 MB
test: lint
	$(BIN)/pytest -q -m "not slow" -n auto --maxprocesses 4 --dist worksteal

test-slow: $(VENV)/.dev
	$(BIN)/pytest -q -m slow

# Each ONNX Runtime has an environment of its own: Python 3.11 for the oldest, which need numpy 1.
RUNTIMES := 1.15.1 1.17.3 1.20.1 1.24.4 newest
NODE := $(if $(shell command -v npm),build/runtimes/node/.done)

build/runtimes/%/.done:
	$(PYTHON) -m venv $(@D)
	env -u PIP_CONSTRAINT $(@D)/bin/python -m pip install --quiet \
		onnxruntime$(if $(filter newest,$*),,==$*) $(if $(filter 1.15.1 1.17.3,$*),'numpy<2',numpy)
	@touch $@

build/runtimes/node/.done:
	npm install --ignore-scripts --no-audit --no-fund --prefix $(@D) onnxruntime-node
	@touch $@

test-runtimes: $(RUNTIMES:%=build/runtimes/%/.done) $(NODE) $(VENV)/.dev
	$(BIN)/pytest -q -rs -m slow tests/runtimes

# the lowest version of everything that pyproject.toml names
build/lowest.txt: pyproject.toml
	@mkdir -p $(@D)
	grep -oE '"[A-Za-z0-9_-]+>=[0-9.]+"' $< | tr -d '"' | sed 's/>=/==/' > $@

build/lowest/.done: build/lowest.txt
	$(PYTHON) -m venv $(@D)
	PIP_CONSTRAINT=$< $(@D)/bin/python -m pip install --quiet --editable '.[$(DEV_EXTRAS)]'
	@touch $@

# old libraries warn of what newer versions of others will not have
test-lowest: build/lowest/.done
	build/lowest/bin/pytest -q -W default::DeprecationWarning -m "not slow" -n auto --maxprocesses 4 --dist worksteal

# MINUTES, INPUTS and SEED decide how long, and which inputs; failing ones are kept in build/fuzz
MINUTES := 5
fuzz: $(VENV)/.dev
	$(BIN)/python -m fuzz --workers $(WORKERS) --minutes $(MINUTES) $(if $(INPUTS),--inputs $(INPUTS)) \
		$(if $(SEED),--seed $(SEED))

bench: $(VENV)/.dev
	$(BIN)/python -m bench

# JetNet without its dependencies: FPD and KPD need none that calovox does not have
build/jetnet: | $(VENV)/.dev
	$(BIN)/python -m pip install --no-deps --target $@ jetnet==0.2.5

parity: build/jetnet
	PYTHONPATH=build/jetnet $(BIN)/python -m bench.parity_jetnet

# The note's Table B.1: all shipped models beside the note's CaloINN and CaloCFM as they are. Time does
# not depend on weights, so one step of training is enough for these.
NOTE_RUNS := build/note_inn build/note_cfm

build/note_%: sample/photons_scan.h5 configs/inn_note.toml configs/cfm_small_note.toml | $(VENV)/.dev
	@mkdir -p $(@D)
	$(CALOVOX) train $* --config configs/$(if $(filter inn,$*),inn,cfm_small)_note.toml --data $< \
		--validation $< --eta 0:0.7 --energy 256MeV:2.1TeV --batch-size 512 --steps 1 --force -o $@

build/plain: $(NOTE_RUNS) sample/sub_voxels_optimal.root
	$(CALOVOX) export $(NOTE_RUNS) --plain --sub-voxels sample/sub_voxels_optimal.root \
		--phi-modulation sample/phi_curve.h5 --no-fastcalosim --force -o $@

# Two minutes with three rounds; more for smaller uncertainties: make benchmark ROUNDS=10
ROUNDS := 3
benchmark: build/plain sample/photons_scan.h5
	$(CALOVOX) benchmark build/plain calocfm calodit_teacher calodit calofast fastcalosimv2 fastcalogan \
		sample/photons_scan.h5 --energy 1GeV,65GeV,1TeV --rounds $(ROUNDS) --force -o build/benchmark.json

# -- demonstration on the shipped sample -----------------------------------------------------

# WORKERS steps side by side: simulating, evaluating and drawing. A pipe makes progress plain lines,
# which two commands can write in turns.
demo: SHELL := bash
demo: .SHELLFLAGS := -o pipefail -c
demo: $(VENV)/.plot
	@$(MAKE) --no-print-directory -j $(WORKERS) demo/grids/index.html demo/report/index.html 2>&1 | cat
	@echo
	@echo "The three grids: $(CURDIR)/demo/grids/index.html"
	@echo "All models:      $(CURDIR)/demo/report/index.html"

# Geant4's own showers. Voxels of the sample have no phi modulation, but for those of 1 TeV: cells get it back.
BINNED := $(CALOVOX) simulate --matching perfect --cells --seed 1 --force
MODULATED := --phi-modulation sample/phi_curve.h5

demo/binned_%.h5: sample/photons_%.h5 sample/sub_voxels_%.root sample/phi_curve.h5 $(SOURCES) | $(VENV)/.plot
	@mkdir -p $(@D)
	$(BINNED) --model $< $(MODULATED) --sub-voxels sample/sub_voxels_$*.root --e-hit $(E_HIT) -o $@

# Geant4's own voxels, placed by patterns as those of the shipped models: what the grid loses. The three
# grids above are placed as in the note.
demo/binned_patterns.h5: sample/photons_optimal.h5 src/calovox/shipped/patterns/optimal.h5 \
		sample/phi_curve.h5 $(SOURCES) | $(VENV)/.plot
	@mkdir -p $(@D)
	$(BINNED) --model $< $(MODULATED) -o $@

# the same showers at random azimuths, with the phi modulation ignored and corrected
DISPLACE := $(CALOVOX) simulate --matching displaced -n 1600 --sub-voxels \
	sample/sub_voxels_optimal.root --cells --seed 1 --force

demo/phi_ignored.h5: sample/phi_present.h5 $(SOURCES) | $(VENV)/.plot
	@mkdir -p $(@D)
	$(DISPLACE) --model $< -o $@

demo/phi_corrected.h5: sample/phi_removed.h5 sample/phi_curve.h5 $(SOURCES) | $(VENV)/.plot
	@mkdir -p $(@D)
	$(DISPLACE) --model $< $(MODULATED) -o $@

# the shipped models: the photons of the sample, and those of several energies, voxels only
MODELS := calocfm calodit_teacher calodit calofast
BASELINES := fastcalosimv2 fastcalogan

demo/simulated_%.h5: sample/photons_optimal.h5 src/calovox/shipped/%/model.json $(SOURCES) | $(VENV)/.plot
	@mkdir -p $(@D)
	$(CALOVOX) simulate --model $* --photons $< --cells --seed 1 --force -o $@

# AtlFast3's: it makes hits, and does not correct for the phi modulation
demo/simulated_fastcalosimv2.h5: sample/photons_optimal.h5 \
		src/calovox/shipped/fastcalosimv2/parametrisation.h5 $(SOURCES) | $(VENV)/.plot
	@mkdir -p $(@D)
	$(CALOVOX) simulate --model fastcalosimv2 --photons $< --cells --seed 1 --force -o $@
# no phi modulation, as in AtlFast3; photons between its slices of |eta| are left out of the report
demo/simulated_fastcalogan.h5: sample/photons_optimal.h5 src/calovox/shipped/fastcalogan/model.json \
		$(SOURCES) | $(VENV)/.plot
	@mkdir -p $(@D)
	$(CALOVOX) simulate --model fastcalogan --photons $< --allow-extrapolation --e-hit $(E_HIT) \
		--cells --seed 1 --force -o $@

# photons of 1 TeV (Figure 16), and of exactly 65.5 GeV (Figure D.1): all that is trained for them
define more_photons
demo/$(1)_optimal.h5: sample/photons_$(1).h5 sample/sub_voxels_optimal.root $$(SOURCES) | $$(VENV)/.plot
	@mkdir -p $$(@D)
	$$(BINNED) --model $$< $$(MODULATED) -o $$@

demo/$(1)_fastcalosimv2.h5: sample/photons_$(1).h5 src/calovox/shipped/fastcalosimv2/parametrisation.h5 \
		$$(SOURCES) | $$(VENV)/.plot
	@mkdir -p $$(@D)
	$$(CALOVOX) simulate --model fastcalosimv2 --photons $$< --cells --seed 1 --force -o $$@

demo/$(1)_%.h5: sample/photons_$(1).h5 src/calovox/shipped/%/model.json $$(SOURCES) | $$(VENV)/.plot
	@mkdir -p $$(@D)
	$$(CALOVOX) simulate --model $$* --photons $$< \
		$$(if $$(filter fastcalogan,$$*),--allow-extrapolation --e-hit $$(E_HIT)) \
		--cells --seed 1 --force -o $$@
endef
$(eval $(call more_photons,1tev))
$(eval $(call more_photons,discrete))

# photons from 256 MeV to 2.1 TeV; E_tot depends on CaloINN alone
demo/scan_%.h5: sample/photons_scan.h5 src/calovox/shipped/%/model.json $(SOURCES) | $(VENV)/.plot
	@mkdir -p $(@D)
	$(CALOVOX) simulate --model $* --photons $< --seed 1 --force -o $@

# the library's own showers: what it loses between voxels and cells does not enter here
demo/scan_binned.h5: sample/photons_scan.h5 $(SOURCES) | $(VENV)/.plot
	@mkdir -p $(@D)
	$(CALOVOX) simulate --model $< --matching perfect --seed 1 --force -o $@

# $(call all,NAME,MODEL): its samples of all photons; $(call low,...): but those of 1 TeV
low = "$(1)=demo/simulated_$(2).h5" "$(1)=demo/discrete_$(2).h5"
all = $(call low,$(1),$(2)) "$(1)=demo/1tev_$(2).h5"

demo/report/index.html: sample/photons_optimal.h5 sample/photons_1tev.h5 sample/photons_discrete.h5 \
		sample/hits.h5 demo/binned_patterns.h5 demo/1tev_optimal.h5 demo/discrete_optimal.h5 \
		$(BASELINES:%=demo/simulated_%.h5) $(BASELINES:%=demo/discrete_%.h5) \
		$(MODELS:%=demo/simulated_%.h5) $(MODELS:%=demo/discrete_%.h5) $(MODELS:%=demo/1tev_%.h5) \
		demo/scan_calodit.h5 demo/scan_binned.h5
	$(CALOVOX) evaluate $< --also-reference sample/photons_1tev.h5 \
		--also-reference sample/photons_discrete.h5 \
		"BinnedShower=demo/binned_patterns.h5" "BinnedShower=demo/discrete_optimal.h5" \
		"BinnedShower=demo/1tev_optimal.h5" \
		$(call low,FastCaloSimV2,fastcalosimv2) $(call low,FastCaloGAN,fastcalogan) \
		$(call all,CaloCFM,calocfm) $(call all,CaloDiT-2,calodit_teacher) \
		$(call all,CaloDiT-2 in one step,calodit) $(call all,CaloFast,calofast) \
		--slices-reference sample/photons_scan.h5 --slices "BinnedShower=demo/scan_binned.h5" \
		--slices "CaloINN=demo/scan_calodit.h5" \
		--hits sample/hits.h5 --force -o $(@D)

# Release gates of the shipped models, on photons from 256 MeV to 2.1 TeV. Gates on copies need what
# the models were trained with, made by sample/make_training.sh: make gates TRAINING="train_optimal.h5
# ..."; without, all others are judged, and the target fails, as it says first. The models must load in
# old runtimes, too.
ifneq ($(filter gates,$(MAKECMDGOALS)),)
ifeq ($(TRAINING),)
$(info Without TRAINING="FILE ..." gates on copies cannot be judged: all others are, and make gates then ends with an error.)
endif
endif
gates: sample/photons_scan.h5 $(MODELS:%=demo/scan_%.h5) sample/photons_optimal.h5 \
		$(MODELS:%=demo/simulated_%.h5) gates/release.toml gates/cells.toml test-runtimes | $(VENV)/.dev
	$(CALOVOX) evaluate $(filter sample/photons_optimal.h5,$^) \
		$(foreach m,$(MODELS),$(m)=demo/simulated_$(m).h5) --referee full --noise \
		--gates gates/cells.toml --force -o demo/gates_cells
	$(CALOVOX) evaluate $< $(foreach m,$(MODELS),$(m)=demo/scan_$(m).h5) \
		--classifier-reference $< $(foreach m,$(MODELS),--classifier $(m)=demo/scan_$(m).h5) \
		$(TRAINING:%=--training %) --referee full --gates gates/release.toml --force -o demo/gates

# Boosted trees: how well they tell models, baselines and grids from Geant4, with five seeds. An hour
# on two cores; rows appear one by one in demo/referee.json, and what is there is not measured again.
referee: $(MODELS:%=demo/scan_%.h5) $(MODELS:%=demo/simulated_%.h5) $(BASELINES:%=demo/simulated_%.h5) \
		$(GRIDS:%=demo/binned_%.h5) demo/binned_patterns.h5 | $(VENV)/.dev
	$(BIN)/python -m bench.referee

demo/grids/index.html: sample/photons_optimal.h5 $(GRIDS:%=demo/binned_%.h5) \
		demo/phi_ignored.h5 demo/phi_corrected.h5
	$(CALOVOX) evaluate $< $(foreach g,$(GRIDS),$(g)=demo/binned_$(g).h5) \
		--hits sample/hits.h5 --curve sample/phi_curve.h5 \
		--displaced-reference sample/phi_present.h5 --displaced "modulation ignored=demo/phi_ignored.h5" \
		--displaced "modulation corrected=demo/phi_corrected.h5" --referee none --force -o $(@D)

# -- the same on freshly generated events ----------------------------------------------------

demo-geant4: demo/geant4/report/index.html
	@echo
	@echo "The report: $(CURDIR)/demo/geant4/report/index.html"

demo/geant4/hits.h5: | $(VENV)/.geant4
	@mkdir -p $(@D)
	$(CALOVOX) geant4 $(FRESH) --workers $(WORKERS) --force -o $@

demo/geant4/photons_%.h5: demo/geant4/hits.h5 $(SOURCES)
	$(CALOVOX) voxelize $< --grid $(if $(filter coarse,$*),grids/coarse.toml,$*) \
		--sub-voxels demo/geant4/sub_voxels_$*.root --force -o $@

demo/geant4/binned_%.h5: demo/geant4/photons_%.h5
	$(CALOVOX) simulate --model $< --matching perfect \
		--sub-voxels demo/geant4/sub_voxels_$*.root --e-hit $(E_HIT) --cells --seed 1 --force -o $@

demo/geant4/report/index.html: demo/geant4/photons_optimal.h5 $(GRIDS:%=demo/geant4/binned_%.h5)
	$(CALOVOX) evaluate $< $(foreach g,$(GRIDS),$(g)=demo/geant4/binned_$(g).h5) \
		--hits demo/geant4/hits.h5 --force -o $(@D)

# -- documentation ---------------------------------------------------------------------------

docs: $(VENV)/.docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --site-dir build/docs

docs-tables: | $(VENV)/.plot
	$(BIN)/python -m docs.make.tables

# the first screen of the report is drawn by a browser, if there is one
pictures: demo/report/index.html demo/grids/index.html
	$(BIN)/python -m docs.make.diagram
	$(BIN)/python -m docs.make.pictures

clean:
	rm -rf demo build .pytest_cache .mypy_cache .ruff_cache
