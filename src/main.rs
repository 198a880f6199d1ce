//! Parse, dispatch, print the error and its way out once, exit code.

use std::process::ExitCode;

use clap::Parser;
use lightloom::cli::{Cli, run};

fn main() -> ExitCode {
    quiet_mesa();
    let cli = Cli::parse();
    match run(&cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let code = error.exit_code();
            eprintln!("{:?}", miette::Report::new(error));
            ExitCode::from(code)
        }
    }
}

/// Mesa's device chooser looks for a display and, on a machine without one, prints an error that
/// means nothing here; there it is switched off.
#[allow(unsafe_code, reason = "set_var races with other threads, and none has been started")]
fn quiet_mesa() {
    if std::env::var_os("XDG_RUNTIME_DIR").is_none() {
        unsafe { std::env::set_var("NODEVICE_SELECT", "1") };
    }
}
