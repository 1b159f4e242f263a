# Every target does the set-up that it needs. `make help` lists the targets.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules --no-print-directory
.DELETE_ON_ERROR:

venv := .venv
bin := $(venv)/bin
python_ready := $(venv)/.python-ready
engine_ready := $(venv)/.engine-ready
oracle_ready := fuzz/oracle/llhttp/from

engine_sources := Cargo.toml Cargo.lock pyproject.toml \
	$(shell find engine binding -type f \( -name '*.rs' -o -name '*.toml' \) 2>/dev/null)

# The binding is built and linted against the interpreter that will import it.
export PYO3_PYTHON := $(CURDIR)/$(bin)/python
export PIP_DISABLE_PIP_VERSION_CHECK := 1

BASE ?= main
PORT ?=
PYTEST_ARGS ?=
PYTHONS ?=
ENGINE_BUILD ?= --release
FUZZ_SECONDS ?= 60
FUZZ_TARGETS ?=
INTEROP ?=
SERVE ?= examples/hello.py

# An existing environment keeps its Python, whatever PYTHON names.
ifneq ($(and $(PYTHON),$(wildcard $(bin)/python)),)
version := -c 'import sys; print(sys.version)'
ifneq ($(shell $(PYTHON) $(version) 2>/dev/null),$(shell $(bin)/python $(version)))
$(warning $(venv) is of another Python than PYTHON=$(PYTHON), and is used. To test with that Python, run `make test-pythons`; `make clean` removes the environment)
endif
endif

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(engine_ready) ## Make .venv, install the locked dependencies, build the engine
	@echo "Ready. Try: $(bin)/ropewalk run examples/hello.py"

.PHONY: serve
serve: $(engine_ready) ## Serve examples/hello.py on http://127.0.0.1:8080/ (PORT=9000, SERVE=file.py for others)
	@exec $(bin)/ropewalk run $(SERVE) $(if $(PORT),--port $(PORT))

.PHONY: quick
quick: $(engine_ready) ## Check in a minute or two: lint of what changed against main, Rust tests, quick Python tests
	@$(MAKE) --jobs=3 --output-sync=target lint-changed test-rust test-quick

.PHONY: lint-changed
lint-changed: $(engine_ready) ## Check style and types of what changed against main (BASE=branch for another)
	scripts/lint-changed $(BASE)

.PHONY: test-quick
test-quick: $(engine_ready) ## Run the Python tests that are not marked slow
	$(bin)/python -W error -m pytest -q -m "not slow" $(PYTEST_ARGS)

.PHONY: test
test: lint test-rust test-fuzz test-python docs ## Run everything: lint, Rust tests, Python tests, docs

.PHONY: test-rust
test-rust: $(engine_ready) ## Run the engine's own tests
	cargo test --locked --package ropewalk-engine

.PHONY: test-fuzz
test-fuzz: $(oracle_ready) ## Check the fuzz targets, and run the inputs in fuzz/corpus once
	cargo fmt --manifest-path fuzz/Cargo.toml --check
	cargo clippy --locked --manifest-path fuzz/Cargo.toml --target-dir target --all-targets -- -D warnings
	cargo test --locked --manifest-path fuzz/Cargo.toml --target-dir target --tests

.PHONY: test-python
test-python: $(engine_ready) ## Run all Python tests (PYTEST_ARGS="tests/cli -k files" for some)
	$(bin)/python -W error -m pytest $(PYTEST_ARGS)

.PHONY: test-pythons
test-pythons: $(python_ready) ## Run the Python tests on every CPython from 3.11 on (PYTHONS="3.12 3.13" for some)
	$(bin)/python scripts/test_pythons.py $(PYTHONS)

.PHONY: wheel-test
wheel-test: $(engine_ready) ## Install a wheel without extras and with each alone, and run the commands of the documentation
	$(bin)/python scripts/wheel_test.py $(ENGINE_BUILD)

.PHONY: lint
lint: $(engine_ready) ## Check style and types of Python and Rust
	$(bin)/ruff check
	$(bin)/ruff format --check
	$(bin)/mypy
	$(bin)/python -m mypy.stubtest ropewalk._engine --allowlist scripts/stubtest-allowlist.txt
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings

.PHONY: format
format: $(engine_ready) ## Format Python and Rust
	$(bin)/ruff check --fix
	$(bin)/ruff format
	cargo fmt --all

.PHONY: docs
docs: $(engine_ready) ## Build the documentation into docs/_build/html, warnings are errors
	$(bin)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"

.PHONY: fuzz
fuzz: $(oracle_ready) ## Search for inputs that break the engine, FUZZ_SECONDS for each target (or for FUZZ_TARGETS)
	fuzz/run $(FUZZ_SECONDS) $(FUZZ_TARGETS)

.PHONY: interop
interop: $(engine_ready) ## Run programs of other projects on Twisted and on the engine (INTEROP="klein daphne" for some)
	$(bin)/python -m interop $(INTEROP)

.PHONY: bench
bench: $(engine_ready) ## Compare with other servers on this machine
	$(bin)/python -m benchmarks

.PHONY: lock
lock: $(python_ready) ## Resolve the Python dependencies again into requirements/dev.txt
	$(bin)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --group dev --all-extras \
		--no-header --no-annotate pyproject.toml --output-file requirements/dev.txt
	for program in interop/*/requirements.in; do \
		$(bin)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --no-header --no-annotate \
			pyproject.toml $$program --output-file $${program%in}txt; \
	done

.PHONY: clean
clean: ## Remove .venv and all build results
	rm -rf $(venv) .interop .pythons .wheel-test target fuzz/target fuzz/oracle/llhttp docs/_build .mypy_cache .ruff_cache .hypothesis
	find src tests examples scripts -name __pycache__ -prune -exec rm -rf {} +
	find src/ropewalk -name '_engine*.so' -delete

$(python_ready): requirements/dev.txt scripts/find-python
	@test -x $(bin)/python || { python=$$(PYTHON="$(PYTHON)" scripts/find-python); "$$python" -m venv $(venv); }
	@echo "Installing the locked dependencies into $(venv). The first time takes a minute or so."
	$(bin)/python -m pip install --quiet --requirement requirements/dev.txt
	@touch $@

$(oracle_ready): $(python_ready) fuzz/oracle/fetch
	PYTHON="$(CURDIR)/$(bin)/python" fuzz/oracle/fetch
	@touch $@

$(engine_ready): $(python_ready) $(engine_sources)
	@scripts/need-rust
	@echo "Building the engine. In release mode the first time takes a minute or two."
	env -u CONDA_PREFIX VIRTUAL_ENV="$(CURDIR)/$(venv)" $(bin)/maturin develop --uv $(ENGINE_BUILD)
	@touch $@
