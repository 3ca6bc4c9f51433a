# All commands for people. Each target installs what it needs, and changes nothing outside this folder.

SHELL := /bin/sh
TOOLS := $(CURDIR)/.venv/bin
READY := .venv/.ready
UV = $(shell command -v uv 2>/dev/null || echo .local/uv/bin/uv)
SOURCES = $(or $(SOURCES_FILE),$(wildcard sources.toml),functions/sources.toml)
# Each worker has a stack of its own, and mostly waits for it: three workers on two cores. A file's functions or a class
# stay together, in the order of `testpaths`.
PYTEST = $(TOOLS)/python -m pytest -q --dist loadscope --no-loadscope-reorder
EXPORT = export -q --frozen --only-group functions --no-hashes --no-annotate --no-header

export PATH := $(TOOLS):$(PATH)
export SAM_CLI_TELEMETRY := 0

.DEFAULT_GOAL := help
.PHONY: help run up down invoke quick test mutants chaos bench budget recognition check lint types template locked sources
.PHONY: documented scan docs format build deploy named-environment lock release clean

help:
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-21s %s\n", $$1 ($$1 == "deploy" ? " ENV=staging" : $$1 == "chaos" ? " N=500" : $$1 == "invoke" ? " EVENT=FILE" : $$1 == "release" ? " VERSION=1.2.3" : ""), $$2}' Makefile

run: $(READY) ## starts the whole stack on this machine, sends one sign-up, shows a console page; Ctrl-C stops it
	@exec $(TOOLS)/python -m local.stack run

up: $(READY) ## starts it in the background; returns when it is ready; safe to repeat
	@exec $(TOOLS)/python -m local.stack up

down: $(READY) ## stops what `make up` started; safe to repeat
	@exec $(TOOLS)/python -m local.stack down

invoke: $(READY) ## invokes a function with an event as Lambda does, on the local stack; ENV=staging on a deployed one
	@exec $(TOOLS)/python -m local.invoke --env "$(or $(ENV),local)" "$(or $(EVENT),events/form.json)"

quick: $(READY) ## runs the unit tests, in under a minute: property tests try a tenth of their examples
	$(PYTEST) -n 2 --hypothesis-profile=quick tests/unit

test: $(READY) ## runs all tests, on their own stacks, and checks that they cover the functions
	$(TOOLS)/coverage erase
	COVERAGE_PROCESS_START=$(CURDIR)/pyproject.toml $(PYTEST) -n 3 --durations=10
	$(TOOLS)/coverage combine --quiet
	$(TOOLS)/coverage report

mutants: $(READY) ## changes the core in small ways and says which change no unit test notices; N=40 changes a group, GROUPS="retry"
	@exec $(TOOLS)/python -m tools.mutants -n "$(or $(N),40)" $(GROUPS)

chaos: $(READY) ## sends sign-ups while every fault happens at once, on its own stack; N=10000 for more, LIST_SECONDS=10 with lists
	@exec $(TOOLS)/python -m bench.chaos -n "$(or $(N),500)" --list-seconds "$(or $(LIST_SECONDS),0)"

bench: $(READY) ## measures cost and speed, and compares alternatives; takes an hour, needs valgrind; PARTS="cold warm" for less
	@$(TOOLS)/python -m bench $(PARTS)
	@$(TOOLS)/python -m tools.docs --write

budget: $(READY) ## fails if a cold start or a warm request costs over 3% more than recorded; needs valgrind
	@exec $(TOOLS)/python -m bench.budget

recognition: $(READY) ## scores how sign-up forms are read; FILES="forms.json" for more forms than our own
	@$(TOOLS)/python -m bench.recognition $(FILES)
	@$(TOOLS)/python -m tools.docs --write

# .pre-commit-config.yaml has a hook for each.
check: lint types template locked sources documented ## checks lint, types, template, lock file, sources file; edits nothing

lint: $(READY)
	$(TOOLS)/ruff check .
	$(TOOLS)/ruff format --check .

types: $(READY)
	$(TOOLS)/mypy

template: $(READY)
	$(TOOLS)/sam validate --lint --region us-east-1

locked: $(READY)
	$(UV) lock --check --quiet
	@$(UV) $(EXPORT) | diff functions/requirements.txt - \
		|| { echo "functions/requirements.txt differs from uv.lock: run make lock" >&2; exit 1; }

sources: $(READY)
	PYTHONPATH=functions $(TOOLS)/python -m clemta_intake.sources.check "$(SOURCES)"

documented: $(READY)
	$(TOOLS)/python -m tools.docs --check

scan: $(READY) ## scans template.yaml with checkov; .checkov.yaml has the exceptions, each with its reason
	$(UV) tool run --quiet --python $(TOOLS)/python --from checkov==3.3.30 checkov --config-file .checkov.yaml

docs: $(READY) ## writes the generated parts of docs/: senders, permissions, measurements
	$(TOOLS)/python -m tools.docs --write

format: $(READY) ## formats the code and fixes lint errors where possible
	$(TOOLS)/ruff check --fix .
	$(TOOLS)/ruff format .

build: $(READY) ## builds the Lambda bundle in .aws-sam/build
	@exec $(TOOLS)/python -m local.sam

deploy: named-environment $(READY) ## sets a stack up on AWS, or updates it: clemta-intake setup
	@exec $(TOOLS)/clemta-intake setup --env "$(ENV)"

named-environment:
	@case "$(ENV)" in ""|local) \
		echo "make deploy needs ENV=staging or ENV=production; on this machine: make up" >&2; exit 2;; esac

lock: $(READY) ## updates uv.lock and functions/requirements.txt from pyproject.toml
	$(UV) lock
	$(UV) $(EXPORT) -o functions/requirements.txt

release: check ## makes a release: moves the changelog's Unreleased part, sets the version, commits and tags; then push
	@exec $(TOOLS)/python -m tools.release "$(VERSION)"

clean: ## stops the stack and removes everything that make created
	@[ ! -x $(TOOLS)/python ] || $(TOOLS)/python -m local.stack down
	rm -rf .venv .local .aws-sam .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage .coverage.* htmlcov
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A pyenv shim named python3.13 may exist and fail to run, so the rule tries each candidate.
$(READY): pyproject.toml uv.lock .python-version
	@for candidate in python3.13 python3 "$${PYENV_ROOT:-$$HOME/.pyenv}"/versions/3.13*/bin/python3.13 \
			"$$(uv python find --no-python-downloads 3.13 2>/dev/null)"; do \
		if "$$candidate" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13))' 2>/dev/null; then \
			python="$$candidate"; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
		echo "Python 3.13 is needed (Lambda's own version): install it, for example with pyenv install 3.13, and run make again" >&2; exit 1; fi; \
	if ! command -v uv >/dev/null && [ ! -x .local/uv/bin/uv ]; then \
		echo "installing uv into .local/uv" >&2; \
		{ python3 -m venv .local/uv || "$$python" -m venv .local/uv; } && .local/uv/bin/python -m pip install -q "uv>=0.9,<1" \
			|| { rm -rf .local/uv; exit 1; }; fi; \
	echo "installing tools into .venv" >&2; \
	uv=$$(command -v uv || echo .local/uv/bin/uv); \
	"$$uv" sync --quiet --frozen --python "$$("$$python" -c 'import sys; print(sys._base_executable)')" && touch $@
