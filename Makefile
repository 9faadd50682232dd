# Steelyard. `make run` and `make test` each work as the first command on a machine with Python 3.11, make, git and
# coreutils: recipes use nothing else of the system but bash.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup setup-dev setup-superset run pipeline serve test test-full lint docs coverage mutants audit bench lock clean

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV   := .venv
WORKERS ?= 2
SUPERSET := .venv-superset
BIN    := $(VENV)/bin
UV     := $(BIN)/uv
INSTALL = $(UV) pip install --quiet --python $(BIN)/python
# Helpful for the first download on a slow line.
export UV_HTTP_TIMEOUT ?= 180

help:  ## what there is
	@while IFS= read -r line; do \
	  if [[ $$line =~ ^([a-z-]+):.*\#\#\ (.*) ]]; then printf '%-12s%s\n' "$${BASH_REMATCH[1]}" "$${BASH_REMATCH[2]}"; fi; \
	done < $(firstword $(MAKEFILE_LIST))

$(VENV)/.uv: requirements/bootstrap.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info[:2] == (3, 11) else "Steelyard needs Python 3.11 (make PYTHON=/path/to/python3.11)")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements/bootstrap.txt
	@touch $@

$(VENV)/.product: $(VENV)/.uv requirements/product.txt pyproject.toml
	@echo "Installing the product's pinned packages into $(VENV) …"
	@$(INSTALL) -r requirements/product.txt
	@$(INSTALL) --no-deps --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.product requirements/dev.txt
	@echo "Installing the test and lint packages …"
	@$(INSTALL) -r requirements/dev.txt
	@touch $@

# Superset lives apart: it needs other versions of pandas and SQLAlchemy than the product.
$(SUPERSET)/.installed: $(VENV)/.uv requirements/superset.txt dashboards/pyproject.toml
	@echo "Installing Apache Superset and our dialect into $(SUPERSET) (about 700 MB) …"
	@test -x $(SUPERSET)/bin/python || $(BIN)/python -m venv --without-pip $(SUPERSET)
	@$(UV) pip install --quiet --python $(SUPERSET)/bin/python --no-deps -r requirements/superset.txt
	@$(UV) pip install --quiet --python $(SUPERSET)/bin/python --no-deps --editable dashboards
	@touch $@

setup: $(VENV)/.product setup-superset  ## install everything into .venv and .venv-superset
setup-dev: $(VENV)/.dev
setup-superset: $(SUPERSET)/.installed

run: setup  ## pipeline on the demo retailer, then serve
	@$(BIN)/steelyard pipeline run --serve

pipeline: $(VENV)/.product  ## ingest, build, publish, train, score, recommend
	@$(BIN)/steelyard pipeline run

serve: setup  ## API, Superset and MLflow on what the pipeline built
	@$(BIN)/steelyard serve

test: setup-dev setup-superset  ## every test, random ones by a sample; builds the demo release first if it is missing
	@$(BIN)/python -m tests.services
	@$(BIN)/steelyard pipeline run
	@$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadfile $(ARGS)

test-full: setup-dev setup-superset  ## everything, with many more random cases (hours); result and date go to docs/benchmarks.md
	@$(BIN)/python -m tests.services
	@$(BIN)/steelyard pipeline run
	@$(BIN)/python -m tests.full_run -q -n $(WORKERS) --dist loadfile $(ARGS)

lint: setup-dev  ## ruff, mypy, one-way imports, words, no secrets
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy semantic governance models_ml integrations api dashboards
	@$(BIN)/lint-imports
	@$(BIN)/python .ci/check_identifiers.py
	@mapfile -d '' -t files < <(git ls-files -z -- ':!*.png' ':!*.svg') && $(BIN)/detect-secrets-hook "$${files[@]}"

docs: setup-dev  ## the pages that repeat the code: settings, commands, error codes, actions, events
	@$(BIN)/python .ci/reference.py

coverage: setup-dev setup-superset  ## the tests again, with coverage by branch (report in var/coverage)
	@$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadfile --cov --cov-report=term --cov-report=html:var/coverage $(ARGS)

mutants: setup-dev  ## mutation testing of semantic and governance: which mutants no test finds (hours); ONLY=pattern
	@rm -rf mutants && mkdir mutants  # there before Python looks for it
	@PATH=$(CURDIR)/$(BIN):$$PATH PYTHONPATH=$(CURDIR)/mutants STEELYARD_TEST_SEED=20170101 STEELYARD_VAR_DIR=$${STEELYARD_VAR_DIR:-$(CURDIR)/var} mutmut run $(ONLY); \
	  $(BIN)/mutmut results

audit: setup-dev  ## known vulnerabilities of the pinned packages (asks the public advisory database)
	@$(BIN)/python .ci/audit.py requirements/product.txt requirements/dev.txt requirements/superset.txt

bench: setup-dev  ## all, or ONLY=cli,queries (an unknown section lists those there are); QUICK=1
	@$(BIN)/python -m tests.bench $(if $(ONLY),--only "$(ONLY)") $(if $(QUICK),--quick)

lock: $(VENV)/.uv  ## pin requirements/*.in again
	@for part in product dev superset; do $(UV) pip compile --quiet --python-version 3.11 --no-emit-index-url \
	  --no-emit-find-links --no-annotate --no-header requirements/$$part.in -o requirements/$$part.txt \
	  $$(test -e requirements/$$part.overrides && echo --override requirements/$$part.overrides); done

clean:  ## remove state and environments
	@rm -rf var $(VENV) $(SUPERSET) dbt_project/target dbt_project/logs
