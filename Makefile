# Needs Python 3.11 or later and make; everything else goes into .venv.

PYTHON ?= python3
PORT ?= 8000
# torch's CPU build. For another build, or a mirror, point pip elsewhere:
#   make demo TORCH_PIP_ARGS="--index-url https://mirror.example/whl/cpu"
TORCH_PIP_ARGS ?= --extra-index-url https://download.pytorch.org/whl/cpu

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check --no-compile --prefer-binary
MANAGE := $(BIN)/python manage.py
STATE_DIR ?= var
# With REDIS_URL the embedded Redis stays off.
PROCESSES := web worker trainer beat $(if $(REDIS_URL),,redis)
export PORT

.DEFAULT_GOAL := help
.PHONY: help setup demo start processes test check clean-demo

help: ## List the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

setup: $(VENV)/.tools ## Make .venv with everything that running, testing and checking need

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	  || { echo "Tiebreak needs Python 3.11 or later; $(PYTHON) is not. Try: make PYTHON=python3.12 …"; exit 1; }
	@$(PYTHON) -m venv $(VENV) \
	  || { echo "$(PYTHON) cannot make a virtual environment; on Debian: apt-get install python3-venv"; exit 1; }

# torch comes first and alone, so that no resolver replaces its build.
$(VENV)/.runtime: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing torch …"
	@$(PIP) --quiet --quiet --no-deps --retries 1 $(TORCH_PIP_ARGS) torch==2.13.0
	@echo "Installing the rest …"
	@$(PIP) --quiet --constraint constraints.txt --editable .
	@touch $@

$(VENV)/.tools: $(VENV)/.runtime
	@echo "Installing what tests and checks need …"
	@$(PIP) --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@

demo: $(VENV)/.runtime ## Load the demo project and serve it on 127.0.0.1:$PORT
	@$(MANAGE) prepare --port $(PORT)
	@CELERY_TASK_ALWAYS_EAGER=true $(MANAGE) load_demo
	@$(MAKE) --no-print-directory processes

start: $(VENV)/.runtime ## Start the web server, the workers and the embedded Redis; Ctrl-C stops them
	@$(MANAGE) prepare --port $(PORT)
	@$(MAKE) --no-print-directory processes

processes:
	@echo "Tiebreak is at http://127.0.0.1:$(PORT) in a moment. Ctrl-C stops it."
	@PATH="$(CURDIR)/$(BIN):$$PATH" honcho --env /dev/null start --port $(PORT) $(PROCESSES) || test $$? -eq 130

test: $(VENV)/.tools ## Run the whole test suite
	@$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadgroup --cov --cov-report=

check: $(VENV)/.tools ## Lint, types, import contracts, templates, migrations, coverage
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports
	@git ls-files -z 'templates/*.html' | xargs -0 $(BIN)/djade --check --target-version 5.2
	@$(BIN)/djlint --lint --quiet templates
	@$(MANAGE) makemigrations --check --dry-run
	@$(BIN)/mypy
	@test -f .coverage || $(MAKE) --no-print-directory test
	@$(BIN)/coverage report

clean-demo: ## Forget the demo: database, models, secret key (asks nothing)
	@if [ -e "$(STATE_DIR)/secret_key" ] || [ -e "$(STATE_DIR)/db.sqlite3" ]; then \
	  rm -rf -- "$(STATE_DIR)"; else echo "No demo in $(STATE_DIR)."; fi
