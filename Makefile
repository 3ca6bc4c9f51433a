# Every command a person runs. Each target sets up what it needs; nothing outside this folder is changed.

SHELL := /bin/sh
TOOLS := $(CURDIR)/.venv/bin
READY := .venv/.ready
UV = $(shell command -v uv 2>/dev/null || echo .local/uv/bin/uv)
SOURCES = $(or $(SOURCES_FILE),functions/sources.toml)
EXPORT = export -q --frozen --only-group functions --no-hashes --no-annotate --no-header

export PATH := $(TOOLS):$(PATH)
export SAM_CLI_TELEMETRY := 0

.DEFAULT_GOAL := help
.PHONY: help run up down test chaos bench budget check docs format build deploy named-environment lock clean

help:
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-21s %s\n", $$1 ($$1 == "deploy" ? " ENV=staging" : $$1 == "chaos" ? " N=500" : ""), $$2}' Makefile

run: $(READY) ## the whole stack on this machine, one sign-up through it, a console page; Ctrl-C ends it
	@exec $(TOOLS)/python -m local.stack run

up: $(READY) ## the same in the background; returns when it answers; safe to repeat
	@exec $(TOOLS)/python -m local.stack up

down: $(READY) ## ends what `make up` started; safe to repeat
	@exec $(TOOLS)/python -m local.stack down

test: $(READY) ## all tests; they start a stack of their own
	$(TOOLS)/coverage erase
	$(TOOLS)/coverage run -m pytest
	$(TOOLS)/coverage combine --quiet
	$(TOOLS)/coverage report

chaos: $(READY) ## sign-ups through every fault at once, on a stack of their own; N=10000 for more
	@exec $(TOOLS)/python -m bench.chaos -n "$(or $(N),500)"

bench: $(READY) ## what it costs, beside other ways to do the same; an hour, and valgrind; PARTS="cold warm" for less
	@$(TOOLS)/python -m bench $(PARTS)
	@$(TOOLS)/python -m tools.docs --write

budget: $(READY) ## a cold start and a warm request may not cost 3% more than recorded; needs valgrind
	@exec $(TOOLS)/python -m bench.budget

check: $(READY) ## lint, types, template, lock file, sources file; edits nothing
	$(TOOLS)/ruff check .
	$(TOOLS)/ruff format --check .
	$(TOOLS)/mypy
	$(TOOLS)/sam validate --lint --region us-east-1
	$(UV) lock --check --quiet
	@$(UV) $(EXPORT) | diff functions/requirements.txt - \
		|| { echo "functions/requirements.txt is not what uv.lock says: run make lock" >&2; exit 1; }
	PYTHONPATH=functions $(TOOLS)/python -m clemta_intake.sources.check "$(SOURCES)"
	$(TOOLS)/python -m tools.docs --check

docs: $(READY) ## writes what docs/ shows of senders, permissions and measurements
	$(TOOLS)/python -m tools.docs --write

format: $(READY) ## formats the code and mends what lint can mend
	$(TOOLS)/ruff check --fix .
	$(TOOLS)/ruff format .

build: $(READY) ## what ships to Lambda, in .aws-sam/build
	@exec $(TOOLS)/python -m local.sam

deploy: named-environment $(READY) ## builds and deploys to AWS, by samconfig.toml
	@$(TOOLS)/python -m local.sam
	$(TOOLS)/sam deploy --config-env "$(ENV)"

named-environment:
	@case "$(ENV)" in ""|local) \
		echo "make deploy needs ENV=staging or ENV=production (the first time: sam deploy --guided --config-env production); on this machine: make up" >&2; exit 2;; esac

lock: $(READY) ## brings uv.lock and functions/requirements.txt up to pyproject.toml
	$(UV) lock
	$(UV) $(EXPORT) -o functions/requirements.txt

clean: ## ends the stack and removes all that was made here
	@[ ! -x $(TOOLS)/python ] || $(TOOLS)/python -m local.stack down
	rm -rf .venv .local .aws-sam .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage .coverage.* htmlcov
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A pyenv shim named python3.13 may be there and refuse to run, so each candidate is tried.
$(READY): pyproject.toml uv.lock .python-version
	@for candidate in python3.13 python3 "$${PYENV_ROOT:-$$HOME/.pyenv}"/versions/3.13*/bin/python3.13 \
			"$$(uv python find --no-python-downloads 3.13 2>/dev/null)"; do \
		if "$$candidate" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13))' 2>/dev/null; then \
			python="$$candidate"; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
		echo "Python 3.13 is needed (Lambda's own version): install it, for example with pyenv install 3.13, and run make again" >&2; exit 1; fi; \
	if ! command -v uv >/dev/null && [ ! -x .local/uv/bin/uv ]; then \
		echo "installing uv into .local/uv"; \
		{ python3 -m venv .local/uv || "$$python" -m venv .local/uv; } && .local/uv/bin/python -m pip install -q "uv>=0.9,<1" \
			|| { rm -rf .local/uv; exit 1; }; fi; \
	echo "installing tools into .venv"; \
	uv=$$(command -v uv || echo .local/uv/bin/uv); \
	"$$uv" sync --quiet --frozen --python "$$("$$python" -c 'import sys; print(sys._base_executable)')" && touch $@
