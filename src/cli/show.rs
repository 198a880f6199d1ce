//! What a terminal shows while a run goes on: a live bar, or plain lines when piped.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::train::run::Event;

pub struct Watcher {
    bar: Option<ProgressBar>,
    quiet: bool,
    steps_per_epoch: u64,
    /// When a plain line was last written.
    spoken: Instant,
}

/// Between plain lines inside an epoch.
const SILENCE: Duration = Duration::from_secs(30);

impl Watcher {
    pub fn new(quiet: bool, steps_per_epoch: u64) -> Self {
        Self { bar: None, quiet, steps_per_epoch, spoken: Instant::now() }
    }

    fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.println(line),
            None => eprintln!("{line}"),
        }
    }

    pub fn on(&mut self, event: &Event<'_>) {
        if self.quiet {
            return;
        }
        match event {
            Event::Started { steps, from, device } => {
                let again = if *from > 0 { format!(", from step {from}") } else { String::new() };
                self.say(&format!("{device}; {steps} steps{again}"));
                if std::io::stderr().is_terminal() {
                    let bar = ProgressBar::new(*steps).with_position(*from);
                    let style = "{bar:32.cyan/blue} {pos}/{len}  {msg}  {elapsed} elapsed, {eta} left";
                    if let Ok(style) = ProgressStyle::with_template(style) {
                        bar.set_style(style.progress_chars("━╸─"));
                    }
                    bar.enable_steady_tick(Duration::from_millis(200));
                    self.bar = Some(bar);
                }
            }
            Event::Step { step, loss, images_per_s } => {
                let epoch = step / self.steps_per_epoch.max(1) + 1;
                let text = format!("epoch {epoch}  loss {loss:.4}  {images_per_s:.0} images/s");
                if let Some(bar) = &self.bar {
                    bar.set_position(*step);
                    bar.set_message(text);
                } else if self.spoken.elapsed() > SILENCE {
                    self.spoken = Instant::now();
                    self.say(&format!("step {step}  {text}"));
                }
            }
            Event::Epoch(m) => self.say(&format!(
                "epoch {}: loss {:.4}, validation {:.2} %, light on the detector {:.1} %, {:.0} images/s, {:.0} s",
                m.epoch,
                m.train_loss,
                100.0 * m.val_accuracy,
                100.0 * m.power_efficiency,
                m.images_per_s,
                m.seconds
            )),
            Event::Tested(_) => {
                if let Some(bar) = self.bar.take() {
                    bar.finish_and_clear();
                }
            }
        }
    }
}
