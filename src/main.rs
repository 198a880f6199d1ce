use lightloom::*;
use std::sync::Arc;
fn main() {
    let text = std::fs::read_to_string(std::env::args().nth(1).unwrap()).unwrap();
    let ex: experiment::Experiment = toml::from_str(&text).unwrap();
    let data = Arc::new(data::load(ex.data.as_ref().unwrap(), ex.seed).unwrap());
    let choice = backend::Choice::default();
    let mut s = train::Session::new(ex, data, choice).unwrap();
    if std::env::var("DUMP").is_ok() {
        println!("{}", s.executor.program());
        return;
    }
    std::fs::create_dir_all("/tmp/run").unwrap();
    let out =
        train::run::train(
            &mut s,
            &text,
            std::path::Path::new("/tmp/run"),
            None,
            &mut |e| match e {
                train::run::Event::Step { step, loss, images_per_s } => {
                    eprint!("\r{step} {loss:.4} {images_per_s:.0}/s   ")
                }
                train::run::Event::Epoch(m) => eprintln!("\n{m:?}"),
                _ => {}
            },
        );
    match out {
        Ok(o) => println!(
            "{:?} {} {:?} {}",
            o.test.accuracy, o.seconds, o.test.interval, o.test.power_efficiency
        ),
        Err(e) => println!("{e}"),
    }
}
