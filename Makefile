# `make` lists the targets. A newcomer needs two: `make run` (Go) and `make test` (Go and Node).

SHELL := /bin/bash -o pipefail
.DEFAULT_GOAL := help

# The flags for the deployed function: https://docs.aws.amazon.com/lambda/latest/dg/golang-package.html
FUNCTION_FLAGS := -tags lambda.norpc -trimpath -buildvcs=false -ldflags '-s -w'
TOOL := go tool -modfile=tools/go.mod
PKG ?= ./...
FUZZ ?= ^Fuzz
FUZZTIME ?= 20s
COUNT ?= 1
CALLERS ?= user/remotion-user
# PURE packages have no goroutines, which a test checks. The race detector would find nothing in them,
# and take minutes.
PURE := internal/iampolicy internal/house
# jsii warns about Node releases that have reached their end of life, except the one that this names.
CDK_ENV := JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION=20

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-zA-Z_-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: run
run: local ## Audit an example account with the real function, on an embedded AWS (ACCOUNT=file EVENT=file for your own)
	@dist/local/remotion-audit local $(if $(ACCOUNT),--account '$(ACCOUNT)') $(if $(EVENT),--event '$(EVENT)')

.PHONY: local
local: ## Build the command and the function for this machine, into dist/local
	@mkdir -p dist/local
	@go build $(FUNCTION_FLAGS) -o dist/local/bootstrap ./function
	@go build -o dist/local/remotion-audit ./cmd/remotion-audit

.PHONY: test
test: node_modules ## Run all tests
	@# -count 1: go test caches by the files of the module, and template.yaml and the function are outside of it.
	$(CDK_ENV) go -C infra test -count 1 ./...
	$(CDK_ENV) go -C infra/nag test ./...
	go test $(PURE:%=./%)
	go test -race $$(go list ./... | grep -v $(PURE:%=-e '/%$$'))

.PHONY: test-fast
test-fast: ## Run the tests of the inner loop: no race detector, no CDK, no npm packages
	go test -short ./...

.PHONY: check
check: lint test ## What CI runs: format, vet, staticcheck, all tests

.PHONY: lint
lint: ## Check format, go vet and staticcheck
	@unformatted=$$(gofmt -l cmd events examples function infra internal); \
	  if [ -n "$$unformatted" ]; then echo "gofmt would change:"; echo "$$unformatted"; exit 1; fi
	go vet ./...
	go -C infra vet ./...
	go -C infra/nag vet ./...
	$(TOOL) staticcheck ./...
	cd infra && go tool -modfile=../tools/go.mod staticcheck ./...
	cd infra/nag && go tool -modfile=../../tools/go.mod staticcheck ./...

# npm_install installs the dependencies in the package.json of a directory, unless they are installed, and
# packs the releases that it lists as a sample.
npm_install = @cd $(1) && if [ ! -f node_modules/.installed ] || [ package.json -nt node_modules/.installed ]; then \
	  npm install --ignore-scripts --no-package-lock --no-audit --no-fund --loglevel=error && \
	  sample=$$(node -p '(require("./package.json").sample || []).join(" ")') && \
	  if [ -n "$$sample" ]; then mkdir -p node_modules/.packages && \
	    npm pack --loglevel=error --ignore-scripts --pack-destination node_modules/.packages $$sample >/dev/null; fi && \
	  touch node_modules/.installed; fi

.PHONY: node_modules
node_modules: ## Install the npm packages that the tests run
	$(call npm_install,internal/e2e/remotion)

# The oracle is AGPL-3.0. It runs as a separate process; nothing in this repository links or ships it.
.PHONY: oracle_modules
oracle_modules:
	$(call npm_install,internal/corpus/oracle)

.PHONY: oracle
oracle: oracle_modules ## Compare the corpus with another evaluator, rewrite its answers, and show what changed
	go test ./internal/iampolicy -run '^TestOracle$$' -count 1 -v -oracle
	git diff --stat -- internal/iampolicy/testdata

.PHONY: verify-aws
verify-aws: ## Send the corpus to AWS's SimulateCustomPolicy (read-only; needs AWS credentials), print differences
	@go run ./internal/corpus/verifyaws

.PHONY: build
build: ## Build the deployed function: dist/lambda/bootstrap (arm64) and its zip
	@$(MAKE) --no-print-directory build-AuditFunction ARTIFACTS_DIR=dist/lambda
	@go -C tools run ./zip -o ../dist/remotion-audit-lambda-arm64.zip ../dist/lambda/bootstrap

# SAM's makefile builder calls this with ARTIFACTS_DIR, in a copy of the sources without git.
.PHONY: build-AuditFunction
build-AuditFunction:
	@mkdir -p "$(ARTIFACTS_DIR)"
	CGO_ENABLED=0 GOOS=linux GOARCH=arm64 go build $(FUNCTION_FLAGS) -o "$(ARTIFACTS_DIR)/bootstrap" ./function

.PHONY: synth
synth: ## Write the CDK template to dist/cdk.out (CALLERS=… for your callers)
	@rm -rf dist/cdk.out
	@$(CDK_ENV) CALLERS='$(CALLERS)' CDK_OUTDIR=../dist/cdk.out go -C infra run ./cmd/synth
	@echo 'for CALLERS=$(CALLERS):' && ls dist/cdk.out/*.template.json

.PHONY: stackset
stackset: build ## Write a stack set's template to dist, and print how to deploy it (CODE_BUCKET_PREFIX=… CODE_REGIONS=a,b CALLERS=… PARAMETERS='Name=value …')
	@go run ./internal/cfn/stackset $(if $(CODE_BUCKET_PREFIX),-prefix '$(CODE_BUCKET_PREFIX)') $(if $(CODE_KEY),-key '$(CODE_KEY)') \
	  $(if $(CODE_REGIONS),-regions '$(CODE_REGIONS)') 'Callers=$(CALLERS)' $(PARAMETERS)

.PHONY: bench
bench: node_modules oracle_modules ## Run the benchmarks (PKG=… for some)
	go test -run '^$$' -bench . -benchmem -count $(COUNT) $(PKG)

.PHONY: fuzz
fuzz: ## Fuzz every target for FUZZTIME (PKG=./internal/iampolicy FUZZ=FuzzParse FUZZTIME=1m for one)
	@for pkg in $$(go list $(PKG)); do \
	  for target in $$(go test -list '$(FUZZ)' $$pkg | grep '^Fuzz'); do \
	    echo "$$target in $$pkg"; go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) $$pkg || exit 1; \
	  done; \
	done

.PHONY: golden
golden: ## Rewrite the golden files, and show what changed
	go test ./internal/app -update
	go test ./internal/e2e -run '^Test(DocumentedCommands|ReadmeShowsARealReport)$$' -update
	go test ./internal/report ./internal/alert ./internal/awsemu ./internal/policies ./internal/house ./cmd/remotion-audit -update
	git diff --stat -- '*testdata*' docs README.md

.PHONY: docs
docs: ## Write docs/cli.md from the help of the command, and show what changed
	go test ./cmd/remotion-audit -run '^TestCommandLinePage$$' -update
	git diff --stat -- docs/cli.md

.PHONY: catalogue
catalogue: ## Check the catalogue of releases against the packages that npm has (fetches about 110 MB, once)
	go test ./internal/e2e/remotion -run '^TestPublished$$' -count 1 -timeout 30m -v -published

.PHONY: release
release: ## Prepare a release, and print the commands that make it (VERSION=v0.2.0; commits and pushes nothing)
	@$(CDK_ENV) go -C infra run ./internal/release/prepare '$(VERSION)'

.PHONY: clean
clean: ## Remove dist
	rm -rf dist
