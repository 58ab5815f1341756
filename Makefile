# What one does with fibd. `make help` lists it.

PYTHON = python3
# The default linker warns of mktemp in Foundation, which ArgumentParser brings along and no one calls here.
LINKER = -Xswiftc -use-ld=lld

.NOTPARALLEL:
.PHONY: run build test setup lint format swift-test examples-test kernel-test crash-check crash-test simulation bench bench-check
.PHONY: fuzz fuzz-check tdc-check tdc-test soak soak-check tsan asan help

run: build ## Build fibd and start it with a sample table on localhost:8080; FIBD_LISTEN=HOST:PORT for another place
	@scripts/run

build: setup ## Build the release, .build/release/fibd, which needs no Swift where it runs
	swift build -c release --product fibd --static-swift-stdlib $(LINKER)

test: setup lint swift-test examples-test kernel-test crash-check tdc-check soak-check fuzz-check ## Everything that must hold before a commit

setup: ## Install what is missing on Debian (only then, and only that)
	@scripts/setup

lint: ## Check format and house rules
	swift format lint --strict --recursive --parallel Package.swift Sources Tests Benchmarks
	scripts/lint

format: ## Put the code into its format
	swift format --in-place --recursive --parallel Package.swift Sources Tests Benchmarks

swift-test: setup
	swift build --build-tests
	scripts/swift-test

examples-test: setup
	swift build --product fibd
	$(PYTHON) -W error -m unittest discover -s Tests/examples

# Beside the kernel of this machine; skipped where network namespaces aren't allowed.
kernel-test: setup
	swift build --product fibd
	$(PYTHON) -W error -m unittest discover -v -s Tests/kernel

# The short run of the crash tests: about a minute.
crash-check: setup
	swift build --product fibd
	$(PYTHON) -W error -m unittest discover -s Tests/crash

crash-test: build ## Kill fibd 200 times, let every call to its disk fail, flip bits (half an hour)
	nice -n 10 $(PYTHON) -W error Tests/crash/kill.py --kills 200 --binary .build/release/fibd
	nice -n 10 $(PYTHON) -W error Tests/crash/filters.py --kills 200 --binary .build/release/fibd
	nice -n 10 $(PYTHON) -W error Tests/crash/peers.py --kills 200 --binary .build/release/fibd
	nice -n 10 $(PYTHON) -W error Tests/crash/disk.py --flips 300 --binary .build/release/fibd
	nice -n 10 $(PYTHON) -W error Tests/crash/faults.py --binary .build/release/fibd

# The same cases as tdc-test, with a thousandth of the filters.
tdc-check: setup
	swift build --product fibd
	$(PYTHON) -W error -m unittest discover -s Tests/tdc

tdc-test: build ## The kernel's tc-testing cases with 1,000,000 filters and 10 writers
	$(PYTHON) -W error Tests/tdc/concurrency.py --binary .build/release/fibd

# Twenty seconds with a tenth of the subscribers; and the rules of streams, each broken once.
soak-check: setup
	swift build --product fibd
	$(PYTHON) -W error -m unittest discover -s Tests/soak

soak: build ## 2,000 streams that come and go, 20 slow ones, 1,000 changes/s, for ten minutes (SOAK='--seconds 60 --rate 500')
	$(PYTHON) -W error Tests/soak/soak.py --binary .build/release/fibd $(SOAK)

# A minute, and the build of the fuzzer.
fuzz-check: setup
	Tests/fuzz/run

fuzz: setup ## Try out made-up input under the address sanitizer, ten minutes for each of six targets
	Tests/fuzz/run --seconds 600

simulation: setup ## Run 100,000 schedules of streams and 10,000 of switches (an hour or two; one that fails: FIBD_SCHEDULE=N)
	swift build -c release --build-tests -Xswiftc -enable-testing --scratch-path .build-simulation
	FIBD_SCHEDULES=100000 swift test -c release --skip-build --disable-xctest --scratch-path .build-simulation --filter StreamSimulationTests
	FIBD_SCHEDULES=10000 swift test -c release --skip-build --disable-xctest --scratch-path .build-simulation --filter AdvertiseSimulationTests

bench: build ## Measure fibd beside its peers and beside plain C (25 minutes; Benchmarks/README.md)
	@Benchmarks/setup
	$(PYTHON) Benchmarks/run

bench-check: setup ## Fail if a hot path takes more instructions than Benchmarks/thresholds.json allows
	$(PYTHON) Benchmarks/check

# Without XCTest, which no test here uses and whose own main leaks.
tsan: setup ## Test under the thread sanitizer
	swift test --disable-xctest --sanitize=thread --scratch-path .build-tsan

asan: setup ## Test under the address sanitizer, leaks included
	swift test --disable-xctest --sanitize=address --scratch-path .build-asan

help: ## This list
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 14
