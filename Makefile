.DEFAULT_GOAL := help
PYTHON ?= $(shell command -v python3.11 || command -v python3)
RUN := .venv/bin/python
COMPILE := .venv/bin/pip-compile --quiet --allow-unsafe --generate-hashes --no-strip-extras \
	--no-emit-index-url --no-emit-trusted-host --no-emit-find-links

.PHONY: help .venv demo test faults lint format css pictures lock

help: ## What there is
	@awk -F ':[^#]*## ' '/^[.a-z]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.venv: .venv/complete ## The environment, from the lock file by pip alone

# pip itself would compile on one core; a package may ship files that are not for this Python
.venv/complete: requirements-dev.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Gatehouse needs Python 3.11 or newer")'
	$(PYTHON) -m venv .venv
	.venv/bin/pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: --no-compile -r requirements-dev.txt
	-@.venv/bin/python -m compileall -qq -j 0 .venv/lib
	@touch $@

demo: .venv ## The portal with demo organizations at http://localhost:8000 (PORT changes it)
	@exec $(RUN) -m sandbox

test: .venv ## Every test this machine can run (REQUIRE=postgres,redis,browser insists)
	@$(RUN) -m nox -t tests

faults: .venv ## What happens when a part fails, into docs/reliability.md (FAULT=name for one)
	$(RUN) -m pytest tests/faults -m faults $(if $(FAULT),-k "$(FAULT)") -n0 -q --faults-report docs/reliability.md

lint: .venv ## Every gate that needs Python alone
	@$(RUN) -m nox -s lint form types imports migrations deployment

format: .venv ## Python and templates in their one form
	.venv/bin/ruff check --fix-only --quiet .
	.venv/bin/ruff format .
	find templates -name '*.html' -exec .venv/bin/djade --target-version 5.2 {} +

css: ## The style sheet and the icons, from assets/ (needs Node 20)
	npm ci --no-audit --no-fund
	npm run css

pictures: .venv ## The pictures of docs/, from the demo's pages (needs Chromium)
	$(RUN) -m tests.e2e.pictures

lock: .venv ## The lock files, from requirements*.in and package.json (needs Node 20)
	$(COMPILE) --output-file=requirements.txt requirements.in
	$(COMPILE) --output-file=requirements-dev.txt requirements-dev.in
	npm run lock
