# What a developer types. `make help` lists it; `make test PYTHON=python3.12` chooses the interpreter of a new .venv.

PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/installed
PIP := $(BIN)/pip install --quiet --disable-pip-version-check --no-input
LOCKED := --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header
COMPILE := uv pip compile pyproject.toml $(LOCKED) --extra postgresql --extra build

.DEFAULT_GOAL := help
.PHONY: help setup test stress crashes soak fuzz mutants reliability score learn demo bench lint format lock

help:  ## Show this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 13

setup: $(INSTALLED)  ## Make .venv with everything in it (quick when nothing changed)

test: setup  ## All checks and all tests, against real servers
	@tests/run.sh

stress: setup  ## All who write at once, on each engine; `make stress MINUTES=10`
	MINUTES=$(or $(MINUTES),10) $(BIN)/pytest -q -k under_stress tests/scenarios/test_writers.py

crashes: setup  ## kill -9 before every effect of every story, on both engines; `make crashes STORY=digest`
	$(BIN)/python -m tests.scenarios.crashes $(STORY)

soak: setup  ## A daemon under load that is killed at random; `make soak MINUTES=30 ENGINE=postgresql`
	$(BIN)/python -m tests.scenarios.soak $(or $(MINUTES),10) $(ENGINE) $(SEED)

fuzz: setup  ## Hostile bytes against what reads mail, so long for each target; `make fuzz MINUTES=60 TARGET=message`
	$(PIP) --require-hashes -r requirements-tools.lock
	$(BIN)/python -m tests.fuzz $(or $(MINUTES),10) $(TARGET)

mutants: setup  ## What decides made wrong in one place after another: some test must notice (docs/mutants.md)
	$(PIP) --require-hashes -r requirements-tools.lock
	@tests/mutants.sh

reliability: setup  ## docs/reliability.md anew, from what the last `make test` said of each hazard
	$(BIN)/python -m tests.reliability

score: setup  ## How well requests are recognised, with every miss (tests/cases/README.md)
	$(BIN)/python -m $(if $(HELD_OUT),tests.folds,tests.score) $(if $(SET_ASIDE),--set-aside)

learn: setup  ## Learn from the labelled letters anew (rules/likeness.tsv, rules/values.tsv)
	$(BIN)/python -m tests.learn

demo: setup  ## The program at work on sample mail, all on this machine
	$(BIN)/mailbot demo

bench: setup  ## Measure speed against the bare loop (bench/README.md)
	$(BIN)/python bench/run.py

lint: setup  ## The checks that need no server
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup  ## Lay out the code and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock:  ## Pin dependencies anew after a change of pyproject.toml (the only thing that needs uv)
	$(COMPILE) -o requirements.lock
	$(COMPILE) --group dev -c requirements.lock -o requirements-dev.lock
	uv pip compile $(LOCKED) --group tools -c requirements-dev.lock -o requirements-tools.lock

$(INSTALLED): requirements-dev.lock pyproject.toml | $(BIN)/pip
	$(PIP) --require-hashes -r requirements-dev.lock
	$(PIP) --no-build-isolation --no-deps -e .
	@touch $@

$(BIN)/pip:
	@tests/make_venv.sh "$(PYTHON)"
