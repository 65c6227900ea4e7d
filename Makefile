# What a developer types. `make help` lists it; `make test PYTHON=python3.12` chooses the interpreter of a new .venv.

PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/installed
PIP := $(BIN)/pip install --quiet --disable-pip-version-check --no-input
COMPILE := uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-annotate --no-header --extra postgresql --extra build

.DEFAULT_GOAL := help
.PHONY: help setup test score learn demo bench lint format lock

help:  ## Show this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10

setup: $(INSTALLED)  ## Make .venv with everything in it (quick when nothing changed)

test: setup  ## All checks and all tests, against real servers
	@tests/run.sh

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

$(INSTALLED): requirements-dev.lock pyproject.toml | $(BIN)/pip
	$(PIP) --require-hashes -r requirements-dev.lock
	$(PIP) --no-build-isolation --no-deps -e .
	@touch $@

$(BIN)/pip:
	@tests/make_venv.sh "$(PYTHON)"
