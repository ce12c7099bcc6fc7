# The two targets a newcomer needs: `make demo` and `make test`. Each sets up .venv first.
PYTHON ?= python3
BIN := .venv/bin
.PHONY: setup demo test quick lint golden

setup: .venv/.done

.venv/.done: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(not ((3, 11) <= v <= (3, 13)) and "courtscribe needs Python 3.11 to 3.13, this is %d.%d: make PYTHON=python3.12" % v)'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --no-deps -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

demo: setup
	$(BIN)/courtscribe demo --output demo

test: setup
	$(BIN)/python -m pytest -n auto --dist worksteal

quick: setup
	$(BIN)/python -m pytest -n auto --dist worksteal -m "not slow"

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports

golden: setup
	COURTSCRIBE_WRITE_GOLDEN=1 $(BIN)/python -m pytest tests/pipeline/test_golden.py tests/pipeline/test_golden_pixels.py
