# Each target sets up what it needs from a bare clone, once; see scripts/make_venv.sh.
# PYTHON_MODERN and PYTHON_PINNED name the Pythons to use, where the search finds the wrong ones.
.PHONY: help venv venv-legacy demo replicate test test-fast test-backends test-wheel lint docs notebook \
    bench zoo repair-bench fuzz

help:
	@echo "make demo           watch one demo case go wrong, be diagnosed and be repaired"
	@echo "make replicate      the thesis's tables, figures and claims on one page (HISTORIES=DIR: its runs)"
	@echo "make test-fast      for work between commits: what needs no long training, two minutes"
	@echo "make test           all tests, on the modern stack and (where found) the pinned one"
	@echo "make test-backends  the tests that depend on Keras's backend, on TensorFlow and PyTorch"
	@echo "make test-wheel     the wheel in an empty environment: installed, a demo case, check, report"
	@echo "make lint           ruff and mypy"
	@echo "make docs           the documentation as a site, in site/"
	@echo "make notebook       run examples/story.ipynb and store what it shows"
	@echo "make bench          what watching costs, as JSON (QUICK=1: a smoke test of it)"
	@echo "make zoo            how often verdicts are right, an hour or two (QUICK=1: a minute of it)"
	@echo "make repair-bench   how much a repair is worth, many hours (QUICK=1: a minute of it)"
	@echo "make fuzz           a minute of damaged files, none of which may do more than be refused"
	@echo "make venv           only set up the modern stack (.venv)"
	@echo "make venv-legacy    only set up the pinned stack (.venv-legacy)"

venv:
	@scripts/make_venv.sh .venv modern

venv-legacy:
	@scripts/make_venv.sh .venv-legacy pinned

demo: venv
	@echo "== reproduce.py: a training with a vanishing gradient, watched and repaired"
	@rm -rf result/Gradient_Vanish_Case_seed0
	@.venv/bin/python reproduce.py

replicate: venv
	.venv/bin/python -m Motivation.replicate $(HISTORIES)

test:
	@scripts/run_tests.sh

test-fast: venv
	.venv/bin/python -m pytest -q -n auto --dist worksteal -m "not slow"

test-backends:
	@scripts/run_backend_tests.sh

test-wheel: venv
	@scripts/test_wheel.sh

lint: venv
	.venv/bin/ruff check .
	.venv/bin/mypy AutoTrainer $(wildcard Motivation benchmarks examples reproduce.py)

docs: venv
	NO_MKDOCS_2_WARNING=1 .venv/bin/mkdocs build --quiet --strict

notebook: venv
	.venv/bin/python scripts/notebook.py examples/story.ipynb --write

bench: venv
	@for name in $(notdir $(basename $(wildcard benchmarks/[!_]*.py))); do \
	    .venv/bin/python -m benchmarks.$$name $(if $(QUICK),--quick) || exit 1; \
	done

zoo: venv
	.venv/bin/python -m benchmarks.zoo --jobs 2 $(if $(QUICK),--quick)

repair-bench: venv
	.venv/bin/python -m benchmarks.repair --jobs 2 $(if $(QUICK),--quick)

fuzz: venv
	.venv/bin/python tests/reliability/fuzz.py --seconds 60
