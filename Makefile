# Everything starts here. For GNU make 3.81 and later.
PYTHON = python3
PY = .venv/bin/python
APART = $(addprefix .venv/apart/,esp32 rp2 stubber)

# Of the firmware and a port's boards, by MicroPython's stubs for the port
board_py = $(wildcard $(patsubst %.json,%.py,$(shell grep -lE '"mcu": "$(1)' boards/*/board.json)))
port_types = MYPYPATH=.venv/apart/$(1) $(PY) -m mypy --config-file boards/mypy.ini \
	--custom-typeshed-dir .venv/apart/$(1) --cache-dir build/mypy/$(1) firmware $(2)

# What may be given on the command line, as in `make deploy BOARD=RPI_PICO_W`. Whatever is in it
# reaches the recipes' environment as it was typed, dollars and quotes and blanks and all.
# This is make's own work: it expands a variable before a program gets it, so that one would see
# `$(shell ...)` in an SSID when that has run; and before `make setup` there is no Python to rely on.
SETTINGS = APP ARGS BOARD CONFIG DEBUG EXTRAS FLEET FORCE HTML IMAGE MICROPYTHON MICROPYTHON_UF2 \
	MINUTES OUTPUT PORT PY PYTHON QUICK SSID TARGET WIFI_KEY YES
COMMANDS = help setup demo test fuzz lint size bench boards states conformance fleets emulate flash \
	deploy image mip release repl doctor lease wipe-lease captures clean
equals := =
given = $(findstring command,$(origin $(1)))
among_given = $(strip $(foreach each,$(1),$(if $(call given,$(each)),$(each))))
unknown := $(call among_given,$(filter-out $(SETTINGS),$(.VARIABLES)))
ifneq ($(unknown),)
# port= is like PORT, KEY= like WIFI_KEY. The shell gets to see no name that was typed.
is_like = $(findstring $(1),$(2) $(shell echo $(2) | tr A-Z a-z))
like := $(strip $(foreach each,$(SETTINGS),$(if $(call is_like,$(firstword $(unknown)),$(each)),$(each)=)))
$(if $(like),$(error $(firstword $(unknown))= is not known: is it $(subst $() , or ,$(like))?))
$(error $(unknown:=$(equals)) is not known here; there are $(SETTINGS:=$(equals)). \
	BOARD= is a folder of boards/; docs/deploy.md has the others)
endif

# What follows a blank is a command to make, which would miss it only after those before it.
stray := $(filter-out $(COMMANDS) .venv/%,$(MAKECMDGOALS))
ifneq ($(stray),)
first := $(firstword $(stray))
its_setting := $(firstword $(if $(filter /dev/% COM%,$(first)),PORT) \
	$(if $(wildcard boards/$(first)/board.json),BOARD) \
	$(if $(wildcard firmware/dhcpc/$(first).py),EXTRAS) \
	$(call among_given,SSID CONFIG APP FLEET IMAGE MICROPYTHON OUTPUT HTML ARGS))
quoted = a value with a blank takes quotes, $(1)="$(value $(1)) $(stray)"
remedy = : $(if $(call given,$(1)),$(call quoted,$(1)),is it $(1)=$(stray)?)
$(error "$(first)" is not a command here$(if $(its_setting),$(call remedy,$(its_setting))); \
	make lists the commands)
endif

odd = $(if $(call given,$(1)),$(filter-out 0 1,$(value $(1))))
$(foreach each,DEBUG FORCE QUICK YES,$(if $(call odd,$(each)),$(error $(each)= is 1 or 0)))
app_elsewhere := $(call odd,APP)
ssid_given := $(call given,SSID)
as_typed = $(eval override $(1) := $$(value $(1)))$(eval export $(1))
$(foreach each,$(SETTINGS),$(if $(filter undefined file,$(origin $(each))),,$(call as_typed,$(each))))

help:  ## show this list
	@echo 'make ...'
	@sed -n 's/^\([a-z-]*\):.*## /\1:/p' Makefile | while IFS=: read -r name does; do \
		printf '  %-11s %s\n' "$$name" "$$does"; done

setup: .venv/ready .venv/npm/ready $(APART)  ## make .venv from pinned packages (other targets do it when they need it)

demo: .venv/ready  ## show the client at work on this machine: no root, no board, no server
	@$(PY) tools/demo.py

test: setup  ## run every test that this machine can run (ARGS='-k wire': only some)
	@$(PY) -m pytest --numprocesses=auto --dist=loadfile $(ARGS)

fuzz: setup  ## try inputs that nobody thought of (MINUTES=10 for each target; TARGET=codec: only one)
	@$(PY) host_tests/fuzz/run.py --minutes="$${MINUTES:-10}" -- $$TARGET

lint: .venv/ready $(APART)  ## check style, spelling and types, for the oldest and the newest Python and for boards
	@$(PY) -m ruff check --quiet --output-format=concise
	@$(PY) -m ruff format --check --quiet --diff
	@.venv/bin/codespell
	@$(PY) -m mypy --python-version 3.10
	@$(PY) -m mypy --python-version 3.14
	@$(call port_types,esp32,$(call board_py,esp32))
	@$(call port_types,rp2,$(call board_py,rp2))

size: setup  ## measure the bytes of flash and heap, and compare them with the budget
	@$(PY) tools/size.py

bench: setup  ## measure the speed, and compare it with others
	@$(PY) tools/bench.py

conformance: .venv/ready  ## make docs/conformance.md: the rules of the RFCs, and the tests that show them
	@$(PY) tools/conformance.py --write

boards: .venv/ready  ## make the table of boards/README.md
	@$(PY) tools/boards.py --write

states: .venv/ready  ## draw docs/states.md from the session
	@$(PY) tools/states.py --write

fleets: .venv/ready  ## simulate loss and fleets for docs/fleets.md (12 minutes)
	@$(PY) tools/fleets.py --write

emulate: .venv/ready  ## boot an emulated Pico W to its lease, and time a wake (Linux, 3 minutes; MICROPYTHON=FILE, or IMAGE= of `make image`)
	@MICROPYTHON_UF2="$${MICROPYTHON_UF2:-$$MICROPYTHON}" $(PY) tools/emulate.py $(if $(IMAGE),--image="$$IMAGE")

flash: .venv/ready  ## put MicroPython onto a board, then deploy: BOARD= PORT= (MICROPYTHON=FILE YES=1)
	@$(PY) tools/flash_board.py --image="$$MICROPYTHON" $(if $(filter 1,$(YES)),--yes) $(deployment)

deployment = $(if $(app_elsewhere),$(error APP= is 0 or 1 here; APP=DIR is for `make image`)) \
	--config="$$CONFIG" --ssid="$$SSID" --extras="$$EXTRAS" \
	$(if $(filter 1,$(DEBUG)),--debug) $(if $(filter 0,$(APP)),--no-app) \
	$(if $(filter 1,$(FORCE)),--force) -- "$$BOARD" $$PORT

deploy: .venv/ready  ## copy the client to a board: BOARD=RPI_PICO_W PORT=auto SSID=greenhouse, see docs/deploy.md
	@$(PY) tools/deploy.py $(deployment)

image: .venv/ready  ## make one file to flash: BOARD=RPI_PICO_W MICROPYTHON=FILE, see docs/image.md
	$(if $(ssid_given),$(error SSID= is for `make deploy`; an image takes CONFIG=FILE, see docs/image.md))
	@$(PY) tools/image.py --config="$$CONFIG" --app="$$APP" --extras="$$EXTRAS" --fleet="$$FLEET" \
		--output="$${OUTPUT:-build/image}" $(if $(filter 1,$(DEBUG)),--debug) \
		-- "$$BOARD" "$$MICROPYTHON"

mip: .venv/ready  ## make an index for mip in build/mip, of .mpy files and of source
	@$(PY) tools/mip_index.py

release: setup  ## check all, and write the release to dist/ (QUICK=1: without the tests)
	@$(PY) tools/release.py $(if $(filter 1,$(QUICK)),--quick)

repl: .venv/ready  ## open the prompt of the board on PORT, or of the only one on USB; Ctrl-] leaves it
	@$(PY) tools/repl.py -- "$${PORT:-auto}"

doctor: .venv/ready  ## ask the board on PORT why it has no address (HTML=FILE: with a page of its messages)
	@$(PY) tools/doctor.py --html="$$HTML" -- "$$PORT"

lease: .venv/ready  ## show the leases stored on the board on PORT
	@$(PY) tools/lease.py show -- "$$PORT"

wipe-lease: .venv/ready  ## remove the leases stored on the board on PORT
	@$(PY) tools/lease.py wipe -- "$$PORT"

captures: .venv/ready  ## record host_tests/captures/ again, from real servers (Linux)
	@$(PY) tools/lab.py record

clean:  ## remove everything that make has made, except .venv
	rm -rf build dist firmware/dhcpc.egg-info
	find . -name .venv -prune -o -name __pycache__ -prune -exec rm -rf {} +

# A stamp is the last thing made: without it an interrupted or failed attempt begins anew, and
# one that only updates leaves what was there. Of pip's report of a failure, the last line precedes
# ours: where PyPI is out of reach, there are six that do not say so.
pip = said=$$($(PY) -m pip install -qq --disable-pip-version-check --only-binary :all: $(1) 2>&1) || \
	{ printf '%s\n' "$$said" | tail -n 1 >&2; false; }
.venv/ready: tools/requirements.txt
	@mkdir -p .venv 2>/dev/null && test -w .venv || { \
		echo 'setup: this folder cannot be written to, and the packages go into its .venv' >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { \
		echo 'setup: $(PYTHON) is not Python 3.10 or later; try: make setup PYTHON=python3.12' >&2; \
		exit 1; }
	@echo 'setup: packages from PyPI into .venv'
	@$(PYTHON) -m venv $(if $(wildcard $@),,--clear) .venv && \
		{ $(call pip,-r $<); } || { \
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

.venv/apart/esp32: APART_PACKAGES = micropython-esp32-stubs micropython-stdlib-stubs
.venv/apart/rp2: APART_PACKAGES = micropython-rp2-rpi-pico-w-stubs micropython-stdlib-stubs
.venv/apart/stubber: APART_PACKAGES = micropython-stubber
.venv/apart/%: tools/apart_requirements.txt | .venv/ready
	@echo 'setup: packages from PyPI into $@'
	@rm -rf $@ $@.new
	@{ $(call pip,--no-deps --no-compile --target $@.new --constraint $< $(APART_PACKAGES)); } && \
		mv $@.new $@ && touch $@ || { \
		rm -rf $@.new; \
		echo 'setup: not finished; is PyPI in reach? Once it is: make setup' >&2; \
		exit 1; }

.PHONY: $(COMMANDS)
