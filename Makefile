# Every target works with Go alone, but for race (gcc) and lint (golangci-lint). Tests that need a database server run
# where they find one: mariadbd or mysqld in the PATH, an NDB cluster's binaries in $RONDB_HOME. RONGATE_REQUIRE=mariadb,ndb
# makes them fail instead of skip.

GO ?= go
FUZZTIME ?= 10s
DB ?= devdb
CATALOG ?= file

.DEFAULT_GOAL := help
# BASE, BENCH, PKG, COUNT, BENCHTIME and PROFILE_LOAD reach the scripts in bench/ by the environment.
.PHONY: help build demo scenarios test race lint bench bench-compare cost-plot figures profile fuzz-short cover

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 14

build: ## build the binaries into bin/
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/ ./cmd/...

demo: build ## show rongate at work on this machine; DB=mariadb or DB=rondb: a real database; CATALOG=hopsworks: its metadata
	@bin/rongate-demo --db=$(DB) --catalog=$(CATALOG)

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

bench-compare: ## compare benchmarks with those of a commit; BASE (HEAD), BENCH, PKG, COUNT (10), BENCHTIME (1s)
	@GO='$(GO)' bench/compare.sh

cost-plot: ## measure how the cost of a request grows with what is asked for, and draw it: bin/cost.svg
	@mkdir -p bin
	$(GO) test -run='^$$' -bench='^BenchmarkCost$$' ./bench | tee bin/cost.txt
	$(GO) run ./bench/costplot <bin/cost.txt >bin/cost.svg

figures: ## compare rongate with the baseline and others, for the README's figures; DB=mariadb, FIGURES: see bench/figures.sh
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/ ./cmd/... ./bench/baseline ./bench/floor ./bench/gateways
	bin/gateways --db=$(if $(filter mariadb,$(DB)),mariadb,ndb) -- bench/figures.sh

profile: build ## profile rongate under load into bin/profiles; DB as for demo, PROFILE_LOAD for rongate-loadtest run
	@GO='$(GO)' DB='$(DB)' bench/profile.sh

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
