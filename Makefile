# make demo [DATA=path] [ME=name]   the main job, end to end, on the samples or on your own exports
# make up                           open the pages in your browser, and begin there
# make test                         set up and run the tests
# make solid                        install the Solid server with which the pod is tested (Node 18 or newer)
# make browser                      install what the pages are tested with: Chromium and axe-core
# make pictures                     pictures of every page, into benchmarks/out/pictures/, the best into docs/
# make lint types contracts         what a machine checks
# make mutants                      break the consent decision and the verifier in every way, see docs/mutants.md
# make fuzz [N=1000000]            damage samples of every source, read them, go on where it was stopped
# make seed DATA=path               make the small model anew that voices go on from (hours)
# make bench                        every figure, as JSON in benchmarks/out/
PYTHON := .venv/bin/python

.PHONY: demo up test solid browser pictures lint types contracts mutants seed bench wheel long fuzz

demo:
	@deploy/setup train
	@$(PYTHON) -m console.demo $(if $(value DATA),--data "$$DATA") $(if $(value ME),--me "$$ME")

up:
	@deploy/setup train,pages
	@.venv/bin/twin up

solid:
	@deploy/setup train,dev
	@deploy/solid

browser:
	@deploy/setup train,dev
	@deploy/browser

pictures: browser
	@$(PYTHON) -m tests.pages.pictures

test:
	@deploy/setup train,dev
	@$(PYTHON) -m pytest -q -n 2 --dist loadfile

lint:
	@deploy/setup train,dev
	@$(PYTHON) -m ruff format --check .
	@$(PYTHON) -m ruff check .

types:
	@deploy/setup train,dev
	@$(PYTHON) -m mypy

contracts:
	@deploy/setup train,dev
	@.venv/bin/lint-imports --no-cache

mutants:
	@deploy/setup train,dev
	@rm -rf mutants
	@.venv/bin/mutmut run
	@.venv/bin/mutmut results

seed:
	@deploy/setup train,dev
	@$(PYTHON) -m trainer.pretraining.make_seed "$(or $(DATA),$(error name the folder of text: make seed DATA=path))" benchmarks/out/seed

bench:
	@deploy/setup train,dev
	@$(PYTHON) benchmarks/run.py

wheel:
	@deploy/setup train,dev
	@deploy/check-wheel

long:
	@deploy/setup train,dev
	@TWINVAULT_LONG=1 $(PYTHON) -m pytest -q -m slow

fuzz:
	@deploy/setup train,dev
	@N="$${N:-1000000}" $(PYTHON) -m tests.vault.collectors.fuzz
