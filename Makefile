# The menu of commands. `make` alone prints it.
#
# Everything works from a clean clone with git, cargo, node with npm, and (for what is missing) apt.

DATA ?= data
CARGO ?= cargo
NPM ?= npm
TARGET := $(or $(CARGO_TARGET_DIR),target)

WEB_SOURCES := $(shell find web -type f -not -path 'web/node_modules/*' -not -path 'web/dist/*' 2>/dev/null)

.DEFAULT_GOAL := help
.PHONY: help run build web lint clean

help: ## this list
	@echo "Hongyan 鸿雁. The commands:"
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: build ## build what is needed and start the demo: subscribers, rail bot, web handset (DATA=dir keeps its data)
	$(TARGET)/release/hongyan serve --demo --data $(DATA)

build: web ## build hongyan and the rail bot with optimisation, the web handset inside
	$(CARGO) build --release --locked -p hongyan -p rail-bot

web: web/dist/index.html ## build the web handset (web/dist)

web/node_modules/.package-lock.json: web/package.json web/package-lock.json
	@command -v $(NPM) >/dev/null || { echo "npm is needed for the web handset: apt-get install nodejs npm"; exit 1; }
	cd web && $(NPM) ci
	@touch $@

web/dist/index.html: web/node_modules/.package-lock.json $(WEB_SOURCES)
	cd web && $(NPM) run build
	@touch $@

lint: web ## format, lints of Rust and TypeScript
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	cd web && $(NPM) run check

clean: ## remove what was built; data stays
	$(CARGO) clean
	rm -rf web/dist web/node_modules artefacts
