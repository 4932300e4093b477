# `make` alone prints what there is.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help demo demo-tour test lint bench soak cover build fuzz install-tools image clean

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
FUZZTIME ?= 10s

help: ## Print this list.
	@echo "usage: make TARGET"; echo
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "%-16s %s\n", $$1, $$2}'

demo: ## A directory, the gate and a registry in one process: log in, push, be refused. Needs only Go.
	@echo "building the demo (a minute the first time)"
	@go -C integration run ./demo

demo-tour: ## The demo that drives itself: three accounts push and pull, and it says why.
	@echo "building the demo (a minute the first time)"
	@go -C integration run ./demo -tour

test: ## Everything: format, lint, tests, and real directories, registries and clients.
	@bash tools/test.sh

lint: ## The linter alone.
	@bash tools/test.sh lint

bench: ## Speed and memory beside slapd and Samba, in 13 minutes. QUICK=1: a first look in 5. PAGE=file: write the figures there.
	@bash integration/install.sh
	@go -C integration test ./bench -run '^$$' -bench '^Benchmark(Gate|Policy|Refresh|Directories)$$' -benchtime 1x -timeout 30m -args $(if $(QUICK),-quick) $(if $(PAGE),-page "$(abspath $(PAGE))")

soak: ## A directory's server killed 1,000 times under load, in half an hour: nothing leaks. KILLS=n: so many.
	@bash integration/install.sh
	@go -C integration test ./servers -run LDAP41_Kills -count=1 -v -timeout 3h -args -kills $(or $(KILLS),1000)

cover: ## Coverage of the product's own tests, into bin/cover.html.
	@mkdir -p bin
	@go test -coverprofile bin/cover.out ./pkg/... ./cmd/...
	@go tool cover -html bin/cover.out -o bin/cover.html
	@go tool cover -func bin/cover.out | tail -1

build: ## The static binary, bin/wharfgate.
	@mkdir -p bin
	CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o bin/wharfgate ./cmd/wharfgate

fuzz: ## Each fuzz target for FUZZTIME (10s).
	@FUZZTIME=$(FUZZTIME) bash tools/fuzz.sh

install-tools: ## Install the real parts that the tests use (Debian, as root).
	@bash integration/install.sh

image: build ## The container image, as bin/wharfgate-image.tar (needs buildah).
	@VERSION=$(VERSION) bash deploy/image/build.sh bin/wharfgate bin/wharfgate-image.tar

clean: ## Remove what was built.
	@rm -rf bin
