# make demo         see a live feed, from a PostgreSQL that is started for it and gone afterwards
# make test         everything that has to hold before a commit
# make test-versions  the tests against servers of other major versions, VERSIONS="14 16 17 18" unless told otherwise
# make crash        kill consumers of a queue, KILLS=2000 times if so told, and check that nothing is lost
# make bench        the measurements
# make completions  the completions of all shells, which are committed
# make clean        what was built

PGFEED = cargo run --quiet --

.PHONY: demo test test-versions crash bench completions clean

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

# These servers come without clients, and the pg_dump of this machine may be too old for them.
VERSIONS ?= 14 16 17 18

test-versions:
	@scripts/need test
	scripts/servers "$(VERSIONS)" cargo test --test pgfeed -- --skip a_dump_restored

crash:
	@scripts/need test
	cargo test --test pgfeed -- crash::runs::as_many_kills_as_told --exact --ignored --nocapture

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

clean:
	cargo clean
