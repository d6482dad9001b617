# The menu of commands. `make` alone prints it.
#
# Everything works from a clean clone with git, cargo, node with npm, and (for what is missing) apt.

DATA ?= data
CARGO ?= cargo
NPM ?= npm
TARGET := $(or $(CARGO_TARGET_DIR),target)

WEB_SOURCES := $(shell find web -type f -not -path 'web/node_modules/*' -not -path 'web/dist/*' 2>/dev/null)

.DEFAULT_GOAL := help
.PHONY: help run build web test lint unit interop browser bench fuzz clean

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

test: lint unit interop browser ## everything that CI runs

lint: web ## format, lints of Rust and TypeScript, what we depend on
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	cd web && $(NPM) run check
	tests/dependency-rule.sh
	tests/dependencies.py

unit: web ## tests of every crate (properties, simulation, fuzz targets for a moment, kill -9) and of the handset
	$(CARGO) test --workspace --locked
	$(CARGO) test --locked -p hongyan --features s3 --lib content::bucket
	cd web && npx vitest run

interop: $(TARGET)/debug/hongyan ## clients that we did not write: SIPp, PJSIP, JsSIP, SIP.js, liblinphone, schemathesis; Kamailio and tshark as judges
	$(CARGO) build --locked -p handset --example caller
	HONGYAN=$(abspath $(TARGET))/debug/hongyan tests/interop/run.sh

browser: $(TARGET)/debug/hongyan ## the handset in headless Chromium; screenshots in artefacts/
	HONGYAN=$(abspath $(TARGET))/debug/hongyan tests/browser/run.sh

.PHONY: $(TARGET)/debug/hongyan
$(TARGET)/debug/hongyan: web
	$(CARGO) build --locked -p hongyan -p rail-bot

bench: web ## parser, relay, mailboxes, registrations, memory; Kamailio beside it when installed; writes docs/performance.md
	bench/run.sh

FUZZ_SECONDS ?= 60
fuzz: ## every fuzz target for FUZZ_SECONDS (60) each
	BOLERO_RANDOM_TEST_TIME_MS=$$(($(FUZZ_SECONDS) * 1000)) $(CARGO) test --locked -p hongyan-fuzz --release -- --nocapture

clean: ## remove what was built; data stays
	$(CARGO) clean
	rm -rf web/dist web/node_modules artefacts
