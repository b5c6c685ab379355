# Every target works with Go alone, but for race (gcc) and lint (golangci-lint). Tests that need a database server run
# where they find one: mariadbd or mysqld in the PATH, an NDB cluster's binaries in $RONDB_HOME. RONGATE_REQUIRE=mariadb,ndb
# makes them fail instead of skip.

GO ?= go
FUZZTIME ?= 10s
DB ?= devdb

.DEFAULT_GOAL := help
.PHONY: help build demo scenarios test race lint bench fuzz-short cover

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 14

build: ## build the binaries into bin/
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/ ./cmd/...

demo: build ## show rongate at work on this machine; DB=mariadb or DB=rondb for a real database
	@bin/rongate-demo --db=$(DB)

scenarios: build ## break a gateway in every way of loadtest/scenarios; reports in bin/scenarios, NDB ones need RONDB_HOME
	bin/rongate-loadtest scenario --out=bin/scenarios loadtest/scenarios/*.yaml

test: ## run the tests
	$(GO) test ./...

race: ## run the tests as CI does
	$(GO) test -race -shuffle=on ./...

lint: ## check the code with golangci-lint, formatting included
	golangci-lint run ./...

bench: ## run every benchmark
	$(GO) test -run='^$$' -bench=. -benchmem ./...

fuzz-short: ## run every fuzz target for FUZZTIME (10s, or a count such as 10000x)
	@set -e; for package in $$($(GO) list ./...); do \
		list=$$($(GO) test -list='^Fuzz' $$package); \
		for target in $$(echo "$$list" | grep '^Fuzz' || true); do \
			echo "$$package $$target"; \
			$(GO) test -run='^$$' -fuzz="^$$target\$$" -fuzztime=$(FUZZTIME) -fuzzminimizetime=10x $$package; \
		done; \
	done

cover: ## say how much of each function the tests reach
	$(GO) test -coverpkg=./... -coverprofile=coverage.out ./...
	$(GO) tool cover -func=coverage.out
