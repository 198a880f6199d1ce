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
            report(error);
            ExitCode::from(code)
        }
    }
}

/// The error, its source and its help; lines are left whole, so that paths can be copied.
fn report(error: lightloom::Error) {
    let whole = miette::MietteHandlerOpts::new().wrap_lines(false).break_words(false);
    // A second hook would be refused; there is only this one.
    let _ = miette::set_hook(Box::new(move |_| Box::new(whole.clone().build())));
    eprintln!("{:?}", miette::Report::new(error));
}

/// Mesa's device chooser looks for a display and, on a machine without one, prints an error that
/// means nothing here; there it is switched off.
#[allow(unsafe_code, reason = "set_var races with other threads, and none has been started")]
fn quiet_mesa() {
    if std::env::var_os("XDG_RUNTIME_DIR").is_none() {
        unsafe { std::env::set_var("NODEVICE_SELECT", "1") };
    }
}
