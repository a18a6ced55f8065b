# Needs Python 3.11+ and make. Everything else is installed into .venv from the hashed lock files.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check

.PHONY: help demo soak bench test check fix fuzz image lock clean

help: ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 10

# Installs a lock file, hashes on, and counts the packages while it does. pip's own failure is what fails.
define install
	@rm -f $(VENV)/.installed
	@{ $(PIP) install --progress-bar off --require-hashes -r $(1) && touch $(VENV)/.installed; } | \
		awk -v total=$$(grep -c == $(1)) \
		'/^Ignoring|\(line [0-9]+\)/ {printf "\r    %d of %d packages", ++n, total; fflush()} \
		/^Installing collected/ {printf "\r    unpacking …              "; fflush()} END {print ""}'
	@test -e $(VENV)/.installed && rm $(VENV)/.installed
endef

$(VENV)/.runtime: requirements.lock pyproject.toml
	@echo "==> creating .venv and installing from requirements.lock (about a minute, once)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(call install,requirements.lock)
	@$(PIP) install --quiet --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements-dev.lock
	@echo "==> installing the test and lint tools from requirements-dev.lock"
	$(call install,requirements-dev.lock)
	@touch $@

demo: $(VENV)/.runtime ## the whole story on this machine: database, sandbox, service (ONCE=1 exits after it)
	@$(BIN)/steward demo $(if $(ONCE),--once)

test: $(VENV)/.dev ## every test, on a real PostgreSQL
	@$(BIN)/python -m pytest $(ARGS)

soak: $(VENV)/.dev ## the story while processes and database are killed at random (ARGS="--rounds 20 --seed 7")
	@$(BIN)/python -m tests.soak $(ARGS)

bench: $(VENV)/.dev ## the table of speeds, ours beside what cannot be faster (ARGS="--only intake --scale 0.1")
	@$(BIN)/python -m bench $(ARGS)

check: $(VENV)/.dev ## format, lint, types, import layers, migrations
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m tests.architecture.migrations

fuzz: $(VENV)/.dev ## a million hostile callbacks; ARGS="--count 5000 --seed 1" for another number of them
	@$(BIN)/python -m tests.fuzz $(ARGS)

fix: $(VENV)/.dev ## format and apply the safe lint fixes
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

image: $(VENV)/.dev ## the container image without Docker, its digest and its SBOM (root; needs buildah and mmdebstrap)
	@PYTHON=$(BIN)/python deploy/image/build.sh

lock: ## renew both lock files (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-emit-find-links --extra build --extra embedded pyproject.toml -o requirements.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-emit-find-links --extra build --extra embedded --extra dev -c requirements.lock pyproject.toml -o requirements-dev.lock

clean: ## remove the virtual environment and caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache build *.egg-info
