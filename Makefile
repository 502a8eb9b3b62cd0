# What one types most: make run, make test, make build. CONTRIBUTING.md says more.
SHELL := /bin/bash
.DELETE_ON_ERROR:

export GOTOOLCHAIN := local
export CHROMIUM ?= /usr/bin/chromium

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo 0.1.0)
GO_FILES := $(shell find cmd internal web -name '*.go' -o -name '*.sql' 2>/dev/null) go.mod go.sum
PAGE_FILES := $(shell find web -path web/node_modules -prune -o -path web/dist -prune -o -type f -print 2>/dev/null)

.PHONY: run
run: build ## build, then serve http://localhost:3000 with data in ./data
	exec bin/hubbub serve --data data

.PHONY: build
build: bin/hubbub ## one static binary, bin/hubbub

bin/hubbub: web/dist/index.html $(GO_FILES)
	CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o $@ ./cmd/hubbub

.PHONY: web
web: web/dist/index.html ## build the page

web/dist/index.html: web/node_modules/.stamp $(PAGE_FILES)
	cd web && npm run --silent build

%/node_modules/.stamp: %/package-lock.json
	cd $* && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	touch $@

.PHONY: dev
dev: bin/hubbub ## serve, and the page with reload on http://localhost:5173
	bin/hubbub serve --data data & server=$$!; trap "kill $$server" EXIT; cd web && npm run dev

.PHONY: cluster
cluster: bin/hubbub bin/cluster ## PostgreSQL, NATS and three nodes behind one address, data in ./data-cluster
	@e2e/needs postgresql
	@exec bin/cluster

bin/cluster: $(GO_FILES) $(wildcard cluster/*.go)
	CGO_ENABLED=0 go build -o $@ ./cluster

# What does not need the others runs beside them: packages are installed while Go and the page are
# built, and the page's tests run while Go's wait. The browsers, which take all there is, come alone.
.PHONY: test
test: export HUBBUB_TEST_NEEDS := 1
test: ## everything; installs what it needs
	+@$(MAKE) --no-print-directory -j3 needs vet bin/hubbub bin/chaos bin/cluster bin/s3server web/node_modules/.stamp e2e/node_modules/.stamp
	+@$(MAKE) --no-print-directory -j2 race test-web
	+@$(MAKE) --no-print-directory test-e2e

.PHONY: needs
needs:
	@e2e/needs

# SQLite is C that was made into Go. Its memory is not Go's, so the race detector looks none of it
# up, but asking for each access made tests of the database five times slower. The driver that
# calls it, modernc.org/sqlite, is watched like everything else.
UNWATCHED := -gcflags=modernc.org/sqlite/lib=-race=false -gcflags=modernc.org/libc=-race=false

bin/s3server: $(wildcard internal/s3test/server/*) # a real S3 server for tests; 30 s the first time
	cd internal/s3test/server && CGO_ENABLED=0 go build -ldflags "-s -w" -o ../../../$@ .

.PHONY: test-go
test-go: vet race ## vet, race detector

.PHONY: vet
vet: web/dist/index.html
	CGO_ENABLED=0 go vet ./... # without C, whose compiler may just be being installed

# Tests wait more than they work: four packages at a time, and those that take longest begin first.
# With the race detector a program sleeps for a second before it exits, unless it is told not to.
.PHONY: race
race: export GORACE := atexit_sleep_ms=10
race: web/dist/index.html bin/s3server
	go test -race $(UNWATCHED) -vet=off -p 4 ./internal/ws ./internal/api ./internal/postgres ./cmd/hubbub ./...

.PHONY: test-web
test-web: web/node_modules/.stamp ## types, lint and unit tests of the page
	cd web && npm run --silent check && npm run --silent lint && npm test --silent

.PHONY: test-e2e
test-e2e: bin/hubbub bin/chaos bin/cluster e2e/node_modules/.stamp ## real browsers, real binary
	"$(CHROMIUM)" --version
	cd e2e && npm test --silent

.PHONY: pictures
pictures: bin/hubbub e2e/node_modules/.stamp ## take docs/pictures, of every screen in both themes; with ImageMagick the recording too
	cd e2e && node screenshots.mjs && node recording.mjs

bin/chaos: $(GO_FILES) $(shell find chaos -name '*.go' 2>/dev/null)
	CGO_ENABLED=0 go build -o $@ ./chaos

.PHONY: chaos
chaos: bin/hubbub bin/chaos ## kill -9 the server 100 times under load and check every history
	bin/chaos kill --bin bin/hubbub --kills 100

.PHONY: chaos-cluster
chaos-cluster: bin/hubbub bin/chaos ## break a cluster in every way and check every history; an hour, as root
	for fault in kill partitions "partitions --beside" power postgres duel clock nats; do bin/chaos cluster $$fault || exit; done

.PHONY: chaos-red
chaos-red: bin/chaos web/dist/index.html ## take away what keeps a cluster right, and see the check fail; 20 minutes, as root
	bin/chaos cluster red

.PHONY: bench
bench: bin/hubbub bin/bench bin/peers bench/peers/tutorial/node_modules/.stamp ## hubbub beside other servers; 20 minutes, writes bench/RESULTS.md
	bin/bench -out bench/RESULTS.md
	go test -run '^$$' -bench . -benchmem ./internal/hub ./internal/sqlite ./internal/postgres

BESIDE ?= nothing
.PHONY: bench-cluster
bench-cluster: bin/hubbub bin/bench ## one node, two and three with PostgreSQL and NATS; 10 minutes, writes bench/CLUSTER.md
	bin/bench cluster -out bench/CLUSTER.md -numbers bench/cluster.json -beside "$(BESIDE)"

.PHONY: scaling
scaling: ## compute the tables of docs/scaling.md from what bench-cluster measured
	go test ./bench/fanout -run '^TestTables$$' -count 1 -update

SEARCH_MESSAGES ?= 1000000
.PHONY: bench-search
bench-search: ## how long searches take among a million messages; 15 minutes
	go test -run '^TestSpeed$$' -timeout 2h ./internal/search -messages $(SEARCH_MESSAGES) -v
	go test -run '^$$' -bench . ./internal/search

bin/bench: $(wildcard bench/*.go internal/cluster/*.go internal/pgserver/*.go) go.mod
	CGO_ENABLED=0 go build -o $@ ./bench

bin/peers: $(wildcard bench/peers/*.go) bench/peers/go.mod
	cd bench/peers && CGO_ENABLED=0 go build -o ../../$@ .

FUZZTIME ?= 30s
.PHONY: fuzz
fuzz: ## search for input that breaks a decoder, $(FUZZTIME) each
	go test -run '^$$' -fuzz '^FuzzDecode$$' -fuzztime $(FUZZTIME) ./internal/wire
	go test -run '^$$' -fuzz '^FuzzParser$$' -fuzztime $(FUZZTIME) ./internal/ws
	go test -run '^$$' -fuzz '^FuzzStream$$' -fuzztime $(FUZZTIME) ./internal/tap
	go test -run '^$$' -fuzz '^FuzzCut$$' -fuzztime $(FUZZTIME) ./internal/picture
	go test -run '^$$' -fuzz '^FuzzReadHead$$' -fuzztime $(FUZZTIME) ./internal/preview
	go test -run '^$$' -fuzz '^FuzzQuery$$' -fuzztime $(FUZZTIME) ./internal/search

.PHONY: clean
clean: ## remove what was built, never data
	rm -rf bin web/node_modules e2e/node_modules
	find web/dist -mindepth 1 ! -name placeholder.txt -delete

.PHONY: help
help: ## this list
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12
