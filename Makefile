# Everything is installed into .venv, from requirements/*.txt, when a target first needs it and when those files change.
# Only relative paths: make splits absolute ones at their spaces.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# uv trusts the certificates the system trusts, as pip and git do.
export UV_SYSTEM_CERTS := 1

BIN := .venv/bin
UV_INSTALL := $(BIN)/uv pip install --quiet --python $(BIN)/python
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--custom-compile-command "make lock"
# Pages with generated blocks; cog leaves a page without one as it is.
PAGES := $(wildcard *.md docs/*.md docs/*/*.md)
# Extra arguments for pytest and `make lock`: make test ARGS="-k arms", make lock ARGS=--upgrade
ARGS ?=

.PHONY: help install demo test prism lint bench soak soak-demo airflow docs lock

help:  ## say what there is
	@sed -n 's/^\([a-z-]*\):.*## /  make \1|/p' Makefile | while IFS='|' read -r name what; do \
		printf '%-18s %s\n' "$$name" "$$what"; done

install: .venv/.installed-dev  ## install everything a contributor needs into .venv

demo: .venv/.installed-demo  ## the whole product on a demo shop: EFFECT=0.08 SEED=1 make demo
	$(BIN)/tidings demo $(if $(EFFECT),--effect "$(EFFECT)") $(if $(SEED),--seed "$(SEED)")

test: .venv/.installed-dev  ## run the tests, two at a time
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

prism: .venv/prism/.installed  ## install the judge of SendGrid's requests in the tests; needs node 18 or newer, with npm

lint: .venv/.installed-dev  ## style, types, layers, and whether the generated pages are true
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/cog --check --diff $(PAGES)

bench: .venv/.installed-dev .venv/.installed-bench  ## measure speed: every benchmarks/bench_*.py, and segments
	for file in benchmarks/bench_*.py benchmarks/segments.py; do \
		echo "== $$file"; name=$${file##*/}; $(BIN)/python -m "benchmarks.$${name%.py}" || exit 1; done

soak: .venv/.installed-dev  ## kill workers for a long time, and judge by what arrived: KILLS=50 SEED=1 make soak
	$(BIN)/python -m benchmarks.soak_deliver $(if $(KILLS),--kills "$(KILLS)") $(if $(SEED),--seed "$(SEED)") $(ARGS)

soak-demo: .venv/.installed-demo  ## the demo over 20 seeds: does the measured lift hold the true effect?
	$(BIN)/python benchmarks/soak_demo.py

airflow: .venv/.installed-demo  ## start Airflow on loopback with the demo workspace
	$(BIN)/tidings airflow --demo

docs: .venv/.installed-dev  ## write the generated blocks of the pages anew
	$(BIN)/cog -r $(PAGES)

lock: $(BIN)/uv  ## resolve requirements/*.txt anew from pyproject.toml: ARGS=--upgrade for newer versions
	$(COMPILE) $(ARGS) --all-extras --group dev pyproject.toml -o requirements/dev.txt
	$(COMPILE) --extra demo --group build -c requirements/dev.txt pyproject.toml -o requirements/demo.txt
	$(COMPILE) --group bench -c requirements/dev.txt pyproject.toml -o requirements/bench.txt
	$(COMPILE) -c requirements/dev.txt pyproject.toml -o requirements/base.txt
	echo uv | $(COMPILE) $(ARGS) - -o requirements/uv.txt

# The build backend is in the lock, so the project itself is built without fetching anything.
.venv/.installed-%: requirements/%.txt pyproject.toml plugins/tidings/__init__.py $(BIN)/uv
	$(UV_INSTALL) --require-hashes -r requirements/$*.txt
	$(UV_INSTALL) --no-deps --no-build-isolation -e .
	touch $@

# npm, too, trusts the certificates the system trusts. The lock file names versions and hashes, and no host.
.venv/prism/.installed: tests/prism/package.json tests/prism/package-lock.json
	mkdir -p .venv/prism
	cp tests/prism/package.json tests/prism/package-lock.json .venv/prism
	NODE_OPTIONS=--use-openssl-ca npm ci --prefix .venv/prism --ignore-scripts --no-audit --no-fund
	touch $@

# A .venv that is there is kept, whichever Python made it.
$(BIN)/uv: requirements/uv.txt
	@test -x $(BIN)/pip || for python in python3 python3.14 python3.13 python3.12 python3.11; do \
		if command -v "$$python" >/dev/null && "$$python" -c \
			'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))'; \
		then "$$python" -m venv .venv; exit; fi; \
	done; \
	test -x $(BIN)/pip || { echo "no Python 3.11 to 3.14 with venv found; on Debian: apt install python3-venv" >&2; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	touch $@
