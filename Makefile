# Every target works from a clean clone, as root or as an ordinary user.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

FUZZTIME ?= 30s
RUNFLAGS ?=
BENCHFLAGS ?=
TESTFLAGS ?=
DSN ?=

.PHONY: help run test conformance check bench torture teeth fuzz

help: ## Print this list.
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Serve on 127.0.0.1:8080 with a store in ./ifmatch.db; RUNFLAGS="--store memory:" and so on.
	go build -o ifmatch ./cmd/ifmatch
	exec ./ifmatch serve $(RUNFLAGS)

test: ## Run everything that decides: the static checks, all tests with the race detector and servers of every store, the protocol behind Prism, a sample of teeth.
	@scripts/prepare.sh
	@stores=$$(mktemp -d); trap 'scripts/stores.sh stop "$$stores"' EXIT; \
	  eval "$$(scripts/stores.sh start "$$stores")"; \
	  status=0; \
	  scripts/check.sh || status=1; \
	  scripts/test.sh $(TESTFLAGS) || status=1; \
	  scripts/prism.sh || status=1; \
	  scripts/teeth.sh -short || status=1; \
	  if ((status)); then echo "FAILED: what is wrong stands above" >&2; fi; \
	  exit $$status

conformance: ## Run the suite that every store passes; DSN=postgres://… names a server of yours, else all stores are tested.
	@scripts/conformance.sh '$(DSN)'

check: ## Run the static checks alone: formatting, go vet, the linter, known vulnerabilities.
	@scripts/check.sh

bench: ## Measure the performance bars against the yardsticks (minutes); BENCHFLAGS="-h" lists the options.
	go run ./test/bench $(BENCHFLAGS)

torture: ## Run the long forms of the tests, up to an hour: crashes, faults, linearizability, the laws of merging.
	@scripts/torture.sh

teeth: ## Run the tests against deliberately broken builds; each build must be found out.
	@scripts/teeth.sh

fuzz: ## Run every fuzz target for FUZZTIME each (30s).
	@FUZZTIME=$(FUZZTIME) scripts/fuzz.sh
