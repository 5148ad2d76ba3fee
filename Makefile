# Everything a person needs: make demo, make test. `make help` lists the rest.
.PHONY: help build web demo test check bench generate clean
SHELL := /bin/bash
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo development)

help:
	@echo 'make demo    build, then run everything on this machine with sample people'
	@echo 'make test    install what the tests need, then run all of them'
	@echo 'make check   only the Go tests that need nothing installed'
	@echo 'make build   bin/gatehouse with the portal inside'
	@echo 'make bench   throughput and latency; not part of the tests'

# The portal is built when its sources are newer than what was built.
WEB_SOURCES := $(shell find web/src web/public web/build web/index.html web/package.json web/package-lock.json web/vite.config.ts -type f 2>/dev/null)

web/dist/index.html: $(WEB_SOURCES)
	cd web && npm ci --no-audit --no-fund --loglevel=error && npm run build --silent
	@touch $@

web: web/dist/index.html

build: web
	CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o bin/gatehouse ./cmd/gatehouse

demo: build
	./bin/gatehouse demo

test:
	bash test/run

check:
	go vet ./...
	go test -short ./...

bench: build
	bash test/bench/run

generate:
	go run ./tools/shapes generate

clean:
	rm -rf bin web/dist/assets web/dist/index.html* web/dist/favicon.svg* web/node_modules test/browser/node_modules test/out
