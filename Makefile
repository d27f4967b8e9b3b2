# `make` alone lists the targets. Everything happens in .venv; nothing else on the machine is changed.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
SITE := PYTHONPATH=book/site $(BIN)/python -m
PORT ?= 8000

.PHONY: help book test test-all lint serve clean labs stills repository

help:  ## list the targets
	@grep -E '^[a-z-]+: .*##|^[a-z-]+:  ##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

# The stamp is newer than the pins exactly when .venv holds them.
.venv/installed: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if v >= (3, 11) else \
	  f"This course needs Python 3.11 or newer; {sys.executable} is {v[0]}.{v[1]}. Install one and run: make $(MAKECMDGOALS) PYTHON=python3.11")'
	@echo "Making .venv and installing the pinned packages (a few minutes the first time)"
	@$(PYTHON) -m venv .venv || { echo "No virtual environment could be made. On Debian and Ubuntu: apt-get install python3-venv"; exit 1; }
	@$(BIN)/python -m pip install --disable-pip-version-check -r requirements.txt || { echo "The packages could not be installed: see pip's message above. Is the package index reachable from here?"; exit 1; }
	@touch $@

book: .venv/installed  ## execute the labs and build the book; prints where to open it
	@$(SITE) nbsite.build

test: book  ## all tests: units, every lab, the built book in a browser
	$(BIN)/python -m pytest -m "not slow"

test-all: book  ## the tests, and the slow matrix of themes and widths
	$(BIN)/python -m pytest

lint: .venv/installed  ## style of code and labs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@$(SITE) nbsite.labs --check

serve: book  ## show the book at http://localhost:8000 (PORT=...)
	@$(SITE) nbsite.serve $(PORT)

clean:  ## remove what was built; .venv stays
	rm -rf _build

labs: .venv/installed  ## strip outputs from the notebooks and write their common set-up cell
	@$(BIN)/ruff format --quiet notebooks
	@$(SITE) nbsite.labs

stills: .venv/installed  ## draw the still pictures behind the interactive figures anew
	@$(SITE) nbsite.stills

repository: .venv/installed  ## change the repository's address everywhere: make repository URL=https://github.com/NAME/REPOSITORY [BRANCH=main]
	@$(SITE) nbsite.repository $(URL) $(BRANCH)
