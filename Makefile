# `make` lists what there is. Each target sets up what it needs by itself.

PY := .venv/bin/python
EXAMPLE := chat
EXAMPLES := examples/chat/node_modules/installed examples/support_desk/node_modules/installed
NPM_INSTALL := npm install --no-package-lock --no-audit --no-fund --silent

.DEFAULT_GOAL := help
.PHONY: help docs setup run test unit integration check format pythons bench clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: .venv/installed tests/integration/node_modules/installed $(EXAMPLES) ## install what developers need

run: .venv/installed examples/$(EXAMPLE)/node_modules/installed ## start the chat on http://127.0.0.1:5000; EXAMPLE=support_desk for that
	$(PY) examples/$(EXAMPLE)/app.py

test: .venv/installed tests/integration/node_modules/installed $(EXAMPLES) ## run every check and every test
	scripts/need chromium
	scripts/need cc
	scripts/need nginx
	scripts/need brokers
	$(PY) scripts/test.py

unit: .venv/installed ## run the unit tests
	$(PY) -m pytest

integration: .venv/installed tests/integration/node_modules/installed $(EXAMPLES) ## run the integration tests
	scripts/need chromium
	scripts/need nginx
	scripts/need brokers
	$(PY) -m pytest tests/integration

check: .venv/installed ## lint, formatting and types
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(PY) -m mypy examples/chat
	$(PY) -m mypy examples/support_desk

format: .venv/installed ## format the code
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

pythons: .venv/installed ## run the unit tests on each Python that is here
	$(PY) -m nox

docs: .venv/installed ## build the documentation in build/docs
	$(PY) -m sphinx -q -W -c docs/site docs build/docs
	@echo "file://$(CURDIR)/build/docs/index.html"

bench: .venv/installed benchmarks/node_modules/installed ## measure side by side with others; ARGS=--quick to try it
	scripts/need cc
	scripts/need redis
	$(PY) benchmarks/run.py --mode all --write .reports/benchmarks $(ARGS)

clean: ## remove what was set up and made
	rm -rf .venv build dist .reports .mypy_cache .pytest_cache .ruff_cache .hypothesis .nox
	find . -name node_modules -prune -exec rm -rf {} +
	find . -name __pycache__ -prune -exec rm -rf {} +

.venv/installed: pyproject.toml
	@scripts/need python >/dev/null
	@$$(scripts/need python) -m venv .venv
	$(PY) -m pip install --quiet --disable-pip-version-check --editable '.[test,dev,docs,example,bench]'
	@touch $@

tests/integration/node_modules/installed: tests/integration/package.json
	scripts/need node
	cd tests/integration && $(NPM_INSTALL) --ignore-scripts # 1.3.5 brings a ws that wants a compiler
	@touch $@

benchmarks/node_modules/installed: benchmarks/package.json
	scripts/need node
	cd benchmarks && $(NPM_INSTALL)
	@touch $@

# Without npm the pages take the client from the public CDN.
examples/%/node_modules/installed: examples/%/package.json
	@mkdir -p $(@D)
	@if command -v npm >/dev/null; then cd $(dir $<) && $(NPM_INSTALL); fi
	@touch $@
