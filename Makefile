# What a developer or a newcomer runs. `make` alone lists it.

.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
UV_LOCK := $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header \
	--no-emit-find-links --no-emit-index-url

.PHONY: help
help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: $(BIN)/.installed ## The whole way on a real Kubernetes, told line by line (CONTEXT=… for your own)
	@$(BIN)/python -m demo $(if $(CONTEXT),--context $(CONTEXT))

.PHONY: test
test: $(BIN)/.installed ## All tests; says what it could not run here, and why
	@$(BIN)/pytest

.PHONY: test-fast
test-fast: $(BIN)/.installed ## The tests that need no Kubernetes
	@$(BIN)/pytest tests/unit tests/handlers

.PHONY: test-guides
test-guides: $(BIN)/.installed ## The guides' links and blocks, without those that need the node
	@$(BIN)/pytest tests/unit/docs tests/handlers/examples tests/integration/test_guides.py

.PHONY: bench
bench: $(BIN)/.installed ## Figures, each beside a floor taken in the same run
	@$(BIN)/python -m tests.bench

.PHONY: conformance
conformance: $(BIN)/.installed ## The Autobahn WebSocket test suite, through the gateway and without it (half an hour)
	@$(BIN)/python -m tests.conformance.autobahn

.PHONY: check
check: lint types imports ## Lint, types and the import check

.PHONY: lint
lint: $(BIN)/.installed ## ruff: formatting and rules
	@$(BIN)/ruff format --check
	@$(BIN)/ruff check

.PHONY: types
types: $(BIN)/.installed ## mypy --strict
	@$(BIN)/mypy

.PHONY: imports
imports: $(BIN)/.installed ## Imports go one way (DESIGN 2)
	@$(BIN)/lint-imports

.PHONY: cluster
cluster: ## A real Kubernetes on this machine (root; five minutes the first time)
	@$(PYTHON) -m tests.cluster up

.PHONY: images
images: $(BIN)/.installed ## Build the images for it, and bring them there
	@$(BIN)/python -c 'from demo.target import OwnMachine; OwnMachine().images()'

.PHONY: cluster-down
cluster-down: ## Stop it and leave nothing behind
	@$(PYTHON) -m tests.cluster down

.PHONY: crds
crds: $(BIN)/.installed ## Write the CRDs from the models, for crds/ and the chart
	@$(BIN)/python -m gamesession.api.crd crds charts/gamesession-operator/definitions

.PHONY: reference
reference: $(BIN)/.installed ## Write docs/reference.md and docs/metrics.md from the code
	@$(BIN)/python -m gamesession.api.reference
	@$(BIN)/python -m gamesession.commands.metrics

.PHONY: manifests
manifests: $(BIN)/.installed ## Write manifests/install.yaml and docs/values.md from the chart
	@$(BIN)/python -m tests.chart.plain
	@$(BIN)/python -m tests.chart.values

.PHONY: lock
lock: $(BIN)/.installed ## Resolve the locked dependencies anew
	@$(UV_LOCK) pyproject.toml -o requirements.lock
	@$(UV_LOCK) --group dev -c requirements.lock pyproject.toml -o requirements-dev.lock

.PHONY: venv
venv: $(BIN)/.installed ## The virtual environment, with everything locked

$(BIN)/.installed: requirements-dev.lock pyproject.toml
	@echo "installing Python packages into .venv (about 20 seconds)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "error: Python 3.11 or newer is needed; it is Debian package python3")'
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || $(MAKE) --no-print-directory venv-package
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.PHONY: venv-package
venv-package:
	@test "$$(id -u)" = 0 || { echo "error: Python's venv is missing: install Debian package python3-venv" >&2; exit 1; }
	@apt-get update -qq && apt-get install -qq --yes --no-install-recommends python3-venv >/dev/null
