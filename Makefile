# Two commands: `make run` and `make test`. Each sets up what it needs and can be run again.
# Tools that are not on the machine are put under .tools; nothing else outside this folder and the model cache.

export PATH := $(CURDIR)/.tools/venv/bin:$(PATH)

BIN := target/debug/healthsync
CUDA := $(CURDIR)/.tools/cuda/toolkit
WEB := web/dist/index.html

.PHONY: run test cuda bench bench-pools bench-precision bench-forms bench-speech bench-call bench-vitals setup setup-test models web build lint check clean-tools help

help: ## What there is to make
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

run: build models ## Set up, start the server, play the demo consultation; Ctrl-C stops it
	@deploy/run.sh $(BIN)

test: setup-test build models lint ## Set up, then run every test
	@echo "==> Testing the page"
	@cd web && npm run --silent test
	@echo "==> Testing the workspace"
	@cargo test --workspace --no-fail-fast

# QUICK=1 takes minutes instead of an hour; RECORDINGS=FOLDER speaks recordings of your own (see loadtests/README.md);
# BENCH_ARGS are given to the command as they are.
bench: bench-speech bench-pools bench-call bench-vitals ## Every benchmark beside its peers

bench-speech: build models ## Live streams held and recognition speed, beside WhisperLive and faster-whisper
	@loadtests/bench/speech/setup.sh
	@$(BIN) bench speech $(if $(QUICK),--quick) $(if $(RECORDINGS),--recordings "$(RECORDINGS)") $(BENCH_ARGS)

bench-pools: build models ## How requests are batched, beside Triton, and what that gives
	@loadtests/bench/pools/setup.sh
	@$(BIN) bench pools $(if $(QUICK),--quick) $(if $(RECORDINGS),--recordings "$(RECORDINGS)") $(BENCH_ARGS)

bench-precision: build ## Size, speed and quality of each form of the recogniser's weights; needs RECORDINGS=FOLDER
	@$(BIN) models pull --variants
	@$(BIN) bench precision --recordings "$(RECORDINGS)" $(if $(QUICK),--limit 8 --repeats 1) $(BENCH_ARGS)

bench-forms: build ## Size, speed and quality of each form of the learned risk's weights; needs RECORDS=FOLDER_OR_TAR
	@$(BIN) bench forms --data "$(RECORDS)" $(BENCH_ARGS)

bench-vitals: build models ## Monitors' messages a second, beside python-hl7 and what loopback allows
	@loadtests/bench/vitals/setup.sh
	@$(BIN) bench vitals $(if $(QUICK),--quick) $(BENCH_ARGS)

bench-call: build models ## A call of half an hour: whether its delays or the server's memory grow
	@$(BIN) bench call $(if $(QUICK),--minutes 5 --every 1) $(BENCH_ARGS)

lint: setup web ## Formatting, clippy, dependency and type checks
	@echo "==> Checking formatting and lints"
	@cargo fmt --all --check
	@cargo clippy --workspace --all-targets --quiet -- -D warnings

build: setup web ## Build the binary with the page in it
	@echo "==> Building HealthSync (about ten minutes the first time)"
	@cargo build --workspace

# What is built finds the toolkit's libraries where they are; elsewhere LD_LIBRARY_PATH says where.
cuda: setup web ## Build for NVIDIA GPUs: target/cuda/debug/healthsync (CUDA_COMPUTE_CAP=90 for an H100; 80 unless set)
	@deploy/setup.sh cuda
	@echo "==> Building HealthSync for NVIDIA GPUs (about half an hour the first time)"
	@CUDA_HOME=$(CUDA) PATH=$(CUDA)/bin:$$PATH CUDA_COMPUTE_CAP=$${CUDA_COMPUTE_CAP:-80} CUDAFORGE_THREADS=$$(nproc) \
		RUSTFLAGS="-C link-arg=-Wl,-rpath,$(CUDA)/lib" \
		cargo build --workspace --features cuda --target-dir target/cuda

models: build ## Pull and verify model weights
	@echo "==> Pulling models"
	@$(BIN) models pull

web: setup ## Build the page
	@$(MAKE) --no-print-directory $(WEB)

$(WEB): web/package-lock.json $(shell find web/src web/index.html web/public protocols/events/generated -type f 2>/dev/null)
	@echo "==> Building the page"
	@cd web && npm ci --no-audit --no-fund --silent && npm run --silent build

setup: ## Tools needed to build and run
	@deploy/setup.sh build

setup-test: ## Tools needed by the tests as well
	@deploy/setup.sh test
