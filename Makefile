# Everything a person types. A bare `make` prints this list.
# Settings of a run: SOURCE, DATA, AS_OF_DATE, DEVICE, PROFILE, FULL_REFRESH, BACKFILL, for example `make run PROFILE=dev DEVICE=cpu`.

PYTHON ?= python3
BIN := .venv/bin
SHELL := /bin/bash
.DEFAULT_GOAL := help

# A setting given to make reaches the project as SHOAL_<NAME>; one that is not given stays unset.
$(foreach name,SOURCE DATA AS_OF_DATE DEVICE PROFILE VAR FULL_REFRESH BACKFILL,$(if $($(name)),$(eval export SHOAL_$(name) := $($(name)))))

.PHONY: help setup run simulate new-source check-source test test-shops dev bench lint docs clean

help: ## print this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(BIN)/.installed ## install into .venv and link the demo shop's files

$(BIN)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v < (3, 14) else f"Shoal needs Python 3.11 to 3.13, this is {v[0]}.{v[1]}: name another, for example `make PYTHON=python3.12 $(MAKECMDGOALS)`")'
	@echo "Installing into .venv (about three minutes and 2.4 GB the first time) ..."
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[demo,dev]'
	@$(BIN)/python -m dagster_defs.prepare
	@touch $@

run: setup ## raw files to published tables, and a summary (SOURCE=, DATA=, AS_OF_DATE=, DEVICE=, PROFILE=, FULL_REFRESH=1, BACKFILL=day..day)
	@$(BIN)/python -m dagster_defs.run

simulate: setup ## make up a shop with known truth in var/raw/simulated (EVENTS=, SEED=)
	@$(BIN)/python -m dagster_defs.simulate $(if $(EVENTS),--events $(EVENTS)) $(if $(SEED),--seed $(SEED))

new-source: setup ## draft a source from the files in a folder (NAME=, DATA=, CURRENCY=, TIME_ZONE=)
	@$(BIN)/python -m dagster_defs.new_source --name "$(NAME)" --data "$(DATA)" --currency "$(CURRENCY)" --time-zone "$(TIME_ZONE)"

check-source: setup ## say everything a source still lacks, before its first run (SOURCE=, DATA=)
	@$(BIN)/python -m dagster_defs.check_source --source "$(SOURCE)" --data "$(DATA)"

test: setup ## lint, unit tests, contracts
	@$(MAKE) --no-print-directory lint
	@$(BIN)/python -m pytest -m "not slow"

test-shops: setup ## whole builds of real shops; CI runs these after `make test`
	@$(BIN)/python -m pytest -m slow

dev: setup ## open the Dagster UI on http://localhost:3000
	@$(BIN)/python -m dagster_defs.prepare
	@VIRTUAL_ENV="$(CURDIR)/.venv" PATH="$(CURDIR)/$(BIN):$$PATH" DAGSTER_HOME="$${SHOAL_VAR:-$(CURDIR)/var}/dagster" $(BIN)/dg dev

bench: setup ## run the benchmarks (NAME=<one of benchmarks/*.py>) and rewrite docs/benchmarks.md
	@$(BIN)/python -m benchmarks.run $(NAME)

lint: setup ## check the style of Python and SQL
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@SHOAL_WAREHOUSE=:memory: $(BIN)/sqlfluff lint --disable-progress-bar models tests/dbt

docs: setup ## build dbt's own pages of every table into target/
	@$(BIN)/dbt docs generate --profiles-dir profiles

clean: ## delete everything a run made (var/, target/, logs/), and the installation
	rm -rf var target logs .venv *.egg-info
