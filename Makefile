# Everything a developer needs, without other tools than Go.
# CGO stays off: one static binary.
export CGO_ENABLED = 0
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
COMMIT := $(shell git rev-parse --short HEAD 2>/dev/null)

.PHONY: build run test race chaos bench fuzz lint config clients clean

build: ## the binary ./sftpgo
	go build -trimpath -ldflags "-s -w -X main.version=$(VERSION) -X main.commit=$(COMMIT)" -o sftpgo ./cmd/sftpgo

run: build ## serve ./data on loopback, with a user and a hook to look at
	@packaging/demo/run.sh

test: clients ## all tests, with the clients that they drive
	go test ./...

race: clients ## the tests under the race detector, which needs cgo and a C compiler
	CGO_ENABLED=1 go test -race $(shell .ci/race-packages)

chaos: clients ## the slow ones: kill the server at many moments under load, floods at full length
	go test -count=1 -timeout 120m -run 'Chaos|TusCut|TwoServers' ./cmd/sftpgo -chaos
	go test -count=1 -run 'Hostile|Flood|Never' ./protocols/sshd ./protocols/webdavd -hostile

bench: ## figures, no verdict, four minutes; beside sshd and vsftpd where they are installed
	go test -run '^$$' -bench . -benchmem $(shell go list ./... | grep -v /cmd/sftpgo)
	go test -run '^$$' -bench . ./cmd/sftpgo

fuzz: ## every fuzz target for ten seconds
	.ci/fuzz 10s

lint: ## vet, formatting, static analysis
	.ci/lint

config: ## write sftpgo.json and the reference from the code
	go test ./config -run Golden -update

clients: ## the programs that the tests drive, from Debian's packages
	@.ci/clients

clean:
	rm -rf sftpgo data
