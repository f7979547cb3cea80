# Every target does its own set-up: `make demo` and `make test` work on a bare machine with
# Python >= 3.11, git, make and npm.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.setup-stamp
JS := tests/clients/js

.PHONY: setup models demo test slow attacks bench lint lock clean js-client
.DEFAULT_GOAL := setup

$(STAMP): requirements/dev.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing Candid and its locked dependencies into .venv ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

setup: $(STAMP) models

models: $(STAMP)
	@$(BIN)/candid models pull

# The JavaScript SDK is for one test; without node that test is skipped with a message.
js-client: $(JS)/node_modules/.package-lock.json

$(JS)/node_modules/.package-lock.json: $(JS)/package-lock.json
	@if command -v npm >/dev/null && command -v node >/dev/null; \
	then npm ci --prefix $(JS) --silent --no-audit --no-fund; \
	else echo "node or npm is missing: the test with the JavaScript SDK will be skipped"; fi

demo: setup
	@$(BIN)/candid demo

test: setup js-client
	@$(BIN)/python -m pytest -n 2 --dist loadgroup

slow: setup js-client
	@$(BIN)/python -m pytest -m slow --timeout 3600

# What an operator with all keys could try, and who finds it: a table.
attacks: setup
	@$(BIN)/python -m tests.attacks

bench: setup
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/compare.lock
	@$(BIN)/candid bench --compare face_recognition --docs docs/benchmarks

lint: $(STAMP)
	@$(BIN)/ruff check src tests
	@$(BIN)/mypy
	@$(BIN)/lint-imports

lock:
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-find-links --python-version 3.11 --custom-compile-command 'make lock' pyproject.toml -o requirements/runtime.lock
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-find-links --python-version 3.11 --custom-compile-command 'make lock' -c requirements/runtime.lock --group dev pyproject.toml -o requirements/dev.lock
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-find-links --python-version 3.11 --custom-compile-command 'make lock' -c requirements/dev.lock --extra compare pyproject.toml -o requirements/compare.lock
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-find-links --python-version 3.12 --custom-compile-command 'make lock' requirements/focus.in -o requirements/focus.lock

clean:
	@rm -rf .venv $(JS)/node_modules
