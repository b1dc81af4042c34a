# Everything a developer or a new user needs; `make` alone lists it.
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
# One more than there are cores, since tests wait for servers of their own; four at the most, for the memory.
PROCESSES ?= $(shell $(PYTHON) -c 'import os; print(min(4, (os.cpu_count() or 1) + 1))')

.PHONY: help setup demo test check lint types contracts words simulation chaos chaos-mutants bench screenshots clean lock

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

setup: .venv/ready ## install everything into .venv, from hash-locked requirements

.venv/ready: requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Daytwo needs Python 3.11 or newer; try: make PYTHON=python3.12 setup")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements-dev.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m compileall -q survey workers # else the first demo's seven processes each do it, all at once
	@touch .venv/ready

demo: setup ## bring up all of Daytwo with synthetic patients, and print three addresses
	@$(BIN)/daytwo demo

test: setup ## every test, on embedded PostgreSQL and Redis, in up to four processes
	@$(BIN)/python -m pytest -n $(PROCESSES) --dist worksteal

check: lint types contracts words test ## what CI runs

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup
	$(BIN)/mypy

contracts: setup
	$(BIN)/lint-imports

words: setup
	$(BIN)/daytwo messages check

PATIENTS ?= 5000
simulation: setup ## as in `make test`, and told: 5,000 patients live through forty days, a judge beside them (7 minutes)
	@DAYTWO_PATIENTS=$(PATIENTS) $(BIN)/python -m pytest -s -p no:xdist --timeout 3600 tests/journeys/test_simulation.py

chaos: setup ## kill, freeze and cut off everything that pages, and ask what is so afterwards (15 minutes)
	@$(BIN)/python -m tests.chaos

chaos-mutants: setup ## take each guard out in turn; a scenario has to notice (12 minutes)
	@$(BIN)/python -m tests.chaos.mutants

bench: setup .venv/bench ## measure ours against bare handlers and other rule engines, in turn, in one run
	@$(BIN)/python -m benchmarks

.venv/bench: requirements-bench.lock .venv/ready
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements-bench.lock
	@touch .venv/bench

screenshots: setup ## draw the README's pictures (needs Chromium)
	@$(BIN)/python -m docs.screenshots

clean: ## stop nothing, remove .venv and what embedded services kept here
	@if [ -x $(BIN)/daytwo ]; then $(BIN)/daytwo demo --erase; fi
	rm -rf .venv .daytwo .ruff_cache .mypy_cache .import_linter_cache

lock: ## write the lock files anew (needs uv)
	uv pip compile pyproject.toml --universal --generate-hashes --no-header --python-version 3.11 -q -o requirements.lock
	uv pip compile pyproject.toml --extra embedded --extra dev --universal --generate-hashes --no-header --python-version 3.11 -q -o requirements-dev.lock
	uv pip compile pyproject.toml --extra bench --constraint requirements-dev.lock --universal --generate-hashes --no-header --python-version 3.11 -q -o requirements-bench.lock
