# make demo: talk with a class at the terminal.   make test: what CI runs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test bench lint format

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Homeroom needs Python 3.11 or newer; this is $$($(PYTHON) --version). Say: make PYTHON=python3.12 demo"; exit 1; }
	@test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	@echo "Installing packages (once, about a minute) …" >&2
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(READY)
	@$(BIN)/homeroom demo

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy

test: $(READY) lint
	$(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder

bench: $(READY)
	$(BIN)/python -m benchmarks $(if $(QUICK),--quick)

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
