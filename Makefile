# Each target calls one real command.
help: ## what can be done here
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

setup: ## virtual environment .venv with the toolkit and its compiled core
	tools/setup

train: ## the main job: train on data that needs no download
	tools/quickstart

test: ## install what is missing, check and test everything
	tools/test

format: ## format all sources
	.venv/bin/ruff check --fix . && .venv/bin/ruff format .
	git ls-files '*.c' '*.h' | xargs .venv/bin/clang-format -i

firmware: ## images of all boards
	$(MAKE) -C firmware all

bench: ## speed on this machine, a minute
	.venv/bin/eggroll-edge bench host --quick

fuzz: ## random bytes on the link, with sanitizers
	.venv/bin/python -m pytest -q tests/link/test_frames.py -k fuzz

.PHONY: help setup train test format firmware bench fuzz
