# Two commands: `make demo` shows the platform with a simulated plant, `make test` checks everything.
PYTHON ?= $(shell command -v python3.11 || command -v python3)

.PHONY: help setup demo test lock clean

help:  ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10

setup:  ## install, build and compile whatever changed
	@$(PYTHON) tools/setup.py

demo: setup  ## run every role with the simulated plant and print address and login
	@.venv/bin/headworks demo

test: setup  ## every check, cheapest first
	@bash tools/test.sh

lock:  ## write requirements/*.txt from requirements/*.in
	@$(PYTHON) tools/lock.py

clean:  ## remove what setup made (not ./var)
	rm -rf .venv .tools web/node_modules src/headworks/control/web/dist src/headworks/engine/_kernels
