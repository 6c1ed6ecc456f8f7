//! The program: parse, run, exit code.

fn main() -> std::process::ExitCode {
    pgfeed::run(std::env::args_os()).into()
}
