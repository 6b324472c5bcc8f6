# hatoba: `make` alone lists what there is.
SHELL := /bin/sh
CARGO ?= cargo
export CARGO_TERM_COLOR ?= auto

# Optimises what runs in the cases in memory, without compiling the SDK once more.
FAST = $(foreach crate,model engine provider simcloud,--config profile.dev.package.hatoba-$(crate).opt-level=2)

.PHONY: help demo test torture fuzz fuzz-answers lint bench clean emulators recordings schema

help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  \1\t/' | expand -t 17

demo: ## Build, start an emulator, and take a stack from nothing to running and back
	$(CARGO) build --workspace --bins
	tests/demo.sh

test: ## All tests; starts and stops the emulators itself
	$(CARGO) build --workspace --all-targets
	tests/run.sh $(CARGO) test --workspace

torture: ## Every kill point, five seeds of every fault, fifty interleavings, 200,000 cases in memory; an hour or so
	HATOBA_CASES=$${HATOBA_CASES:-200000} $(CARGO) test --workspace --test torture $(FAST) -- --nocapture
	$(CARGO) build --workspace --bins
	HATOBA_TORTURE=full tests/run.sh $(CARGO) test --workspace --no-fail-fast --test kills --test power --test lost_replies \
		--test deploy_kills --test faults --test pairs --test interleaved --test interrupt --test rates -- --nocapture --test-threads=1

# $(1): the fuzzer; $(2): what it begins with beside its corpus; $(3): more options of cargo; $(4): more of libFuzzer
fuzzed = tar -xzf fuzz/corpus/$(1).tar.gz -C fuzz/corpus && \
	cargo +nightly fuzz run --sanitizer none $(3) $(1) fuzz/corpus/$(1) $(2) -- \
		-max_total_time=600 -timeout=10 -rss_limit_mb=2048 -max_len=8192 $(4)

fuzz: ## Ten minutes of each fuzzer of the model; needs `cargo install cargo-fuzz` and a nightly compiler
	$(call fuzzed,stack_file,crates/model/tests/spec/good crates/model/tests/spec/bad)
	$(call fuzzed,policy,tests/seeds)

fuzz-answers: ## Ten minutes of the fuzzer of AWS's answers; builds the SDK once more, with the nightly compiler
	$(call fuzzed,answers,fuzz/seeds/answers,--features answers,-dict=fuzz/answers.dict)

lint: ## Format and clippy, warnings are errors
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings

bench: ## Calls, round trips, time and memory, beside Terraform where it is installed
	$(CARGO) build --release --workspace --bins
	tests/bench/run.py

recordings: ## Record docs/recordings anew: what deploy, status and logs look like in a terminal
	$(CARGO) build --workspace --bins
	tests/run.sh python3 tests/recordings/record.py

schema: ## Write docs/stack.schema.json anew
	$(CARGO) run --quiet --bin hatoba -- schema > docs/stack.schema.json

emulators: ## Install the emulators into target/emulators
	tests/emulators/install.sh

clean: ## Remove everything that was built
	$(CARGO) clean
