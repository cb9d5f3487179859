# The commands of a developer and of the CI. Needed beforehand: Python 3.11 or newer with venv, and make.
# Another Python: PYTHON=python3.12 make test

STAMP := .venv/.installed
BIN := .venv/bin

# With PYTHON given, an environment of another version does not count as installed.
ifdef PYTHON
ifneq ($(shell $(PYTHON) -V 2>&1),$(shell $(BIN)/python -V 2>&1))
.PHONY: $(STAMP)
endif
endif

.PHONY: help demo test check gates install browser docs catalogue clean

# Modules are compiled once, not by each of the many processes that the tests start.
export PYTHONDONTWRITEBYTECODE =

help:
	@echo "make demo     run owl-numbers on the embedded models, at the default size; report in runs/demo"
	@echo "make test     run the tests"
	@echo "make check    lint, formatting, types, import rules"
	@echo "make gates    the statistical tests again, on more simulated experiments; does the alarm alarm"
	@echo "make docs     write docs/cli.md from the program"
	@echo "make catalogue  every study at size small, about two hours; writes docs/results/catalogue.md"
	@echo "make install  make .venv and install everything into it; the others do this by themselves"
	@echo "make clean    delete .venv, caches and builds; runs are kept"

install: $(STAMP)

$(STAMP): pyproject.toml constraints.txt scripts/install.sh
	@PYTHON="$(PYTHON)" sh scripts/install.sh
	@touch $@

demo: $(STAMP)
	$(BIN)/subtrait run owl-numbers --out runs/demo

test: $(STAMP) browser
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest tests/test_import_rules.py tests/test_shape.py

gates: $(STAMP)
	$(BIN)/python benchmarks/gates.py
	$(BIN)/subtrait doctor

docs: $(STAMP)
	$(BIN)/python scripts/write_cli_help.py

catalogue: $(STAMP)
	$(BIN)/subtrait run all --size small --seed 12 --out runs/catalogue
	$(BIN)/subtrait report runs/catalogue --format markdown --output docs/results/catalogue.md

browser:
	@sh scripts/browser.sh

clean:
	rm -rf .venv dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find src tests benchmarks scripts -name __pycache__ -type d -prune -exec rm -rf {} +
