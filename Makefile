# Two commands do everything on a fresh machine with Python and make: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SEAWALL := $(BIN)/seawall
REPORT ?= seawall-report.html

.PHONY: demo test lint format bench docs controlplane clean help

help:
	@echo "make demo          set up, assess the example estate, write $(REPORT)"
	@echo "make test          set up, run all tests and checks"
	@echo "make lint          ruff, mypy --strict, import-linter"
	@echo "make bench         measure, with the peers that pip and go install"
	@echo "make docs          generate docs/reference from the code"
	@echo "make controlplane  build the real Kubernetes control plane into your cache (needs Go)"

$(VENV)/.run: pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -q --disable-pip-version-check -e .
	@$(BIN)/python -m compileall -q src
	@touch $@

$(VENV)/.test: pyproject.toml $(VENV)/.run
	@$(BIN)/python -m pip install -q --disable-pip-version-check -e '.[serve,test]'
	@touch $@

$(VENV)/.bench: pyproject.toml $(VENV)/.test
	@test -x $(VENV)/peers/bin/python || $(PYTHON) -m venv $(VENV)/peers
	@$(VENV)/peers/bin/python -m pip install -q --disable-pip-version-check -r bench/peers.txt
	@touch $@

# Findings are what a demo is for: their exit code (1) is not make's failure, any other code is.
demo: $(VENV)/.run
	@$(SEAWALL) assess examples/contoso --waivers examples/contoso/seawall-waivers.yaml --as-of 2026-11-21 -o table -o html=$(REPORT) || test $$? -eq 1
	@echo; echo "The same report as a page: $(REPORT)"

lint: $(VENV)/.test
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(VENV)/.test
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix-only .

# The control plane is built where Go is to be had; where it is not, live tests are skipped and counted.
test: lint
	@packaging/controlplane/build.sh --if-possible
	@$(BIN)/python docs/generate.py --check
	@$(BIN)/python -m pytest -n 2

controlplane:
	@packaging/controlplane/build.sh

bench: $(VENV)/.bench
	@$(BIN)/python -m bench

docs: $(VENV)/.test
	@$(BIN)/python docs/generate.py

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
