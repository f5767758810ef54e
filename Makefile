# `make` lists the targets. Start with `make run` (needs Go) and `make test` (needs Go and Node).

SHELL := /bin/bash -o pipefail
.DEFAULT_GOAL := help

# Function and command share the flags that decide what is compiled, so the AWS SDK compiles once.
# lambda.norpc: https://docs.aws.amazon.com/lambda/latest/dg/golang-package.html
BUILD_FLAGS := -tags lambda.norpc -trimpath -buildvcs=false
FUNCTION_FLAGS := $(BUILD_FLAGS) -ldflags '-s -w'
# The commit that the command's version prints; empty without git. The function has none, so that
# its zip is the same for each commit that does not change it.
COMMIT = $(shell git describe --always --dirty --abbrev=12 --exclude '*' 2>/dev/null)
MODULE := github.com/remotion-audit/remotion-audit
# Only tests that hang take this long. Go's default of 10m can be too short for a busy machine.
TEST := test -timeout 45m
TOOLS_MOD := $(CURDIR)/tools/go.mod
LINT := go tool -modfile=$(TOOLS_MOD) golangci-lint run --config $(CURDIR)/.golangci.yml
RELEASE_TOOL := go tool -modfile=$(CURDIR)/tools/goreleaser/go.mod
PKG ?= ./...
FUZZ ?= ^Fuzz
FUZZTIME ?= 20s
COUNT ?= 1
CALLERS ?= user/remotion-user
# Packages without goroutines (a test checks that): the race detector would find nothing there.
PURE := internal/checks internal/iampolicy internal/jsonlimit internal/yamllimit test/repository
# jsii warns about Node releases past their end of life. This silences the warning for Node 20.
CDK_ENV := JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION=20

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-zA-Z_-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: run
run: local ## Audit an example account with the real function, on an embedded AWS (ACCOUNT=file EVENT=file for your own, V=1 for logs)
	@dist/local/remotion-audit local $(if $(ACCOUNT),--account '$(ACCOUNT)') $(if $(EVENT),--event '$(EVENT)') $(if $(V),--verbose)

.PHONY: local
local: ## Build the command and the function for this machine, into dist/local
	@mkdir -p dist/local
	@tools/build.sh dist/local/bootstrap ./function $(FUNCTION_FLAGS)
	@tools/build.sh dist/local/remotion-audit ./cmd/remotion-audit $(BUILD_FLAGS) -ldflags '-X main.commit=$(COMMIT)'

.PHONY: test
test: node_modules xml_modules guard_modules test-builds ## Run all tests
	@# -count 1: go test does not see changes outside the module, such as template.yaml or the function.
	$(CDK_ENV) go -C infra $(TEST) -count 1 ./...
	$(CDK_ENV) go -C infra/nag $(TEST) ./...
	go $(TEST) $(PURE:%=./%)
	go $(TEST) -race $$(go list ./... | grep -v $(PURE:%=-e '/%$$'))

# Tests build the function and the command, too. Build both first, so that the tests find the
# compiled packages in Go's build cache: the first compilation takes minutes on a slow machine.
.PHONY: test-builds
test-builds: local
	@$(MAKE) --no-print-directory build-AuditFunction ARTIFACTS_DIR=dist/lambda

.PHONY: test-fast
test-fast: ## Run the tests of the inner loop: no race detector, no CDK, no npm packages
	go $(TEST) -short ./...

.PHONY: check
check: lint test ## Run what CI runs: all linters and all tests

.PHONY: lint
lint: ## Run golangci-lint over all modules (.golangci.yml lists the linters)
	$(LINT) ./...
	cd infra && $(LINT) ./...
	cd infra/nag && $(LINT) ./...
	cd tools && $(LINT) ./...

# npm_install installs the packages of a directory's package.json once, and packs the releases that
# the file lists under "sample".
npm_install = @cd $(1) && if [ ! -f node_modules/.installed ] || [ package.json -nt node_modules/.installed ]; then \
	  npm install --ignore-scripts --no-package-lock --no-audit --no-fund --loglevel=error && \
	  sample=$$(node -p '(require("./package.json").sample || []).join(" ")') && \
	  if [ -n "$$sample" ]; then mkdir -p node_modules/.packages && \
	    npm pack --loglevel=error --ignore-scripts --pack-destination node_modules/.packages $$sample >/dev/null; fi && \
	  touch node_modules/.installed; fi

.PHONY: node_modules
node_modules: ## Install the npm packages that the tests run
	$(call npm_install,test/e2e/remotion)
	$(call npm_install,test/page)

# The oracle is AGPL-3.0. It runs as a separate process; the project neither links nor ships it.
.PHONY: oracle_modules
oracle_modules:
	$(call npm_install,internal/testing/corpus/oracle)

# The schema of JUnit's XML, and a validator for it.
.PHONY: xml_modules
xml_modules:
	$(call npm_install,internal/testing/xsd)

# The proactive rules of AWS Control Tower, and the program that checks them.
.PHONY: guard_modules
guard_modules:
	$(call npm_install,internal/testing/controltower)

.PHONY: oracle
oracle: oracle_modules ## Evaluate the corpus with another evaluator, compare, and show the differences
	go test ./internal/iampolicy -run '^TestOracle$$' -count 1 -v -oracle
	git diff --stat -- internal/iampolicy/testdata

.PHONY: verify-aws
verify-aws: ## Replay the corpus through the live SimulateCustomPolicy (read-only, needs AWS credentials) and print differences
	@go run ./internal/testing/corpus/verifyaws

.PHONY: build
build: ## Build the deployed function: dist/lambda/bootstrap (arm64) and its zip
	@$(MAKE) --no-print-directory build-AuditFunction ARTIFACTS_DIR=dist/lambda
	@go -C tools run ./zip -o ../dist/remotion-audit-lambda-arm64.zip ../dist/lambda/bootstrap

# SAM's makefile builder calls this target with ARTIFACTS_DIR, in a copy of the sources without git.
# GOARM64: arm64 is at least Graviton2, which has Armv8.2 with atomic instructions. That saves code.
# https://docs.aws.amazon.com/lambda/latest/dg/foundation-arch.html
.PHONY: build-AuditFunction
build-AuditFunction:
	@mkdir -p "$(ARTIFACTS_DIR)"
	CGO_ENABLED=0 GOOS=linux GOARCH=arm64 GOARM64=v8.2 go build $(FUNCTION_FLAGS) -o "$(ARTIFACTS_DIR)/bootstrap" ./function

# The version of the npm packages: that of the tag, or a development version with the commit.
NPM_VERSION = $(or $(patsubst v%,%,$(VERSION)),0.0.0-dev$(if $(COMMIT),.g$(subst -,.,$(COMMIT))))

.PHONY: npm
npm: ## Build the npm packages for all platforms into dist/npm, and pack them (VERSION=v0.2.0 for a release)
	@rm -rf dist/npm && mkdir -p dist/npm/packed
	@go -C tools run ./npm -o ../dist/npm -version '$(NPM_VERSION)' \
	  -ldflags "-s -w -X main.commit=$(COMMIT)$(if $(VERSION), -X $(MODULE)/internal/app.linked=$(VERSION))"
	@cd dist/npm && npm pack --loglevel=error --ignore-scripts --pack-destination packed ./remotion-audit* >/dev/null
	@cd dist/npm/packed && ls -l *.tgz | awk '{printf "%9.1f MB  %s\n", $$5 / 1e6, $$9}'

.PHONY: synth
synth: ## Write the CDK template to dist/cdk.out (CALLERS=… sets the callers)
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
golden: ## Rewrite the golden files and show the changes
	go generate ./internal/settings
	go test ./internal/app -update
	go test ./test/e2e -run '^Test(DocumentedCommands|ReadmeShowsARealReport)$$' -update
	go test ./internal/testing/controltower ./internal/checks ./internal/report ./internal/output ./internal/fixformat ./internal/alert/render ./internal/awsemu/iam ./internal/policies ./test/repository ./cmd/remotion-audit ./internal/settingsfile -update
	git diff --stat -- '*testdata*' docs README.md

.PHONY: pictures
pictures: node_modules ## Take the pictures of the documentation again (needs Chromium)
	REMOTION_AUDIT_BROWSER_TESTS=required go test ./test/page -run '^TestPictures$$' -count 1 -v -pictures
	git diff --stat -- docs/images

.PHONY: docs
docs: ## Write docs/cli.md from the help of the command, and what follows from internal/settings
	go generate ./internal/settings
	go test ./cmd/remotion-audit -run '^TestCommandLinePage$$' -update
	git diff --stat -- docs template.yaml '*_generated.go'

.PHONY: catalogue
catalogue: ## Compare the catalogue of releases with the npm packages (downloads about 110 MB once)
	go test ./test/e2e/remotion -run '^TestPublished$$' -count 1 -timeout 30m -v -published

.PHONY: actions
actions: ## Rewrite the list of AWS's actions from a pinned npm package, and show the changes
	$(call npm_install,internal/iamactions/generate)
	go run ./internal/iamactions/generate
	git diff --stat -- internal/iamactions

# The releases of the record of calls, each with its dependencies in a directory of its own.
CALLS := $(wildcard test/e2e/remotion/calls/releases/*)

.PHONY: calls_modules $(CALLS)
calls_modules: $(CALLS)
$(CALLS):
	$(call npm_install,$@)

.PHONY: calls
calls: calls_modules ## Compare the record of Remotion's calls to AWS with its published code (UPDATE=1 rewrites it)
	go test ./test/e2e/remotion/calls -run '^TestRecord$$' -count 1 -timeout 30m -whole $(if $(UPDATE),-update-calls)

.PHONY: release
release: ## Prepare a release and print the next steps (VERSION=v0.2.0; does not commit, tag or push)
	@$(CDK_ENV) go -C infra run ./internal/release/prepare '$(VERSION)'

# What a release has besides the command: the zip of the function with its SBOM, and the template
# that takes the zip from a bucket. goreleaser calls this target.
.PHONY: release-assets
release-assets: build
	@rm -rf dist/assets && mkdir -p dist/assets
	@cp dist/remotion-audit-lambda-arm64.zip dist/assets
	@$(RELEASE_TOOL) cyclonedx-gomod bin -json -noserial -notimestamp \
	  -version '$(NPM_VERSION)' -output dist/assets/remotion-audit-lambda-arm64.cdx.json dist/lambda/bootstrap
	@go run ./internal/cfn/stackset -o dist/assets/remotion-audit.template.json 'Callers=$(CALLERS)' >/dev/null

.PHONY: release-check
release-check: ## Check the configuration of goreleaser (the first run compiles goreleaser, for minutes)
	@$(RELEASE_TOOL) goreleaser check

.PHONY: release-snapshot
release-snapshot: ## Build the files of a release on GitHub into dist/release, and publish nothing
	@$(RELEASE_TOOL) goreleaser release --snapshot --clean --skip=publish

.PHONY: clean
clean: ## Remove built files
	rm -rf dist
