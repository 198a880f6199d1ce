//! Parse, dispatch, print the error and its way out once, exit code.

use std::process::ExitCode;

use clap::Parser;
use lightloom::cli::{Cli, run};

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(&cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let code = error.exit_code();
            // The one line first: file, line, key, rule; the report adds the source and the help.
            eprintln!("{:?}", miette::Report::new(error));
            ExitCode::from(code)
        }
    }
}
