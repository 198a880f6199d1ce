//! `mesh errors U.npy|--modes N --hardware H.toml --chips K`: what a kind of chip gives.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::super::{Common, print, print_json};
use super::{Design, describe, inputs, name_of};
use crate::error::{Error, Result};
use crate::optics::mesh::monte_carlo::{Chip, Spread, chips};
use crate::optics::mesh::{C, Imperfections, Mesh, Topology};
use crate::train::metrics::wilson;

#[derive(Debug, Args)]
pub struct Errors {
    /// A unitary matrix for all chips.
    #[arg(value_name = "U.npy", conflicts_with = "modes")]
    matrix: Option<PathBuf>,
    /// A random unitary of this size for each chip instead.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    modes: Option<u16>,
    /// The kind of chip; --seed is that of the first, --set changes a key.
    #[arg(long, value_name = "H.toml")]
    hardware: PathBuf,
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    chips: u32,
    /// Count the chips whose rms error is at most this.
    #[arg(long, value_name = "E")]
    within: Option<f64>,
    #[command(flatten)]
    design: Design,
    /// Take the unitary that is nearest to the matrix.
    #[arg(long)]
    nearest: bool,
}

#[derive(Serialize)]
struct Yield {
    plain: f64,
    /// 95 % Wilson interval.
    plain_interval: [f64; 2],
    corrected: f64,
    corrected_interval: [f64; 2],
}

#[derive(Serialize)]
struct Answer {
    n: usize,
    topology: String,
    seed: u64,
    plain: Spread,
    corrected: Spread,
    /// Mean over the chips of cells out of reach.
    missed: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    within: Option<f64>,
    #[serde(rename = "yield", skip_serializing_if = "Option::is_none")]
    good: Option<Yield>,
    chips: Vec<Chip>,
}

impl Errors {
    pub fn run(&self, common: &Common) -> Result<()> {
        if let Some(within) = self.within
            && !(within.is_finite() && within >= 0.0)
        {
            let rule = format!("{within} is no error that a chip could have");
            return Err(Error::invalid("--within", rule).help("give a number from 0 on"));
        }
        if self.matrix.is_none() && self.modes.is_none() {
            return Err(Error::invalid("--modes", "no matrix is given that the chips should do")
                .help("give a U.npy, or --modes N for a random unitary each"));
        }
        let kind = inputs::kind(&self.hardware, 0.0, common)?;
        let given = match &self.matrix {
            Some(path) => Some(inputs::unitary(path, self.nearest, false)?),
            None => None,
        };
        let n = given.as_ref().map_or(usize::from(self.modes.unwrap_or(1)), |(n, _, _)| *n);
        let u = given.as_ref().map(|(_, u, _)| &u[..]);
        let mesh = self.design.mesh(n, Topology::Clements)?;
        let all = self.draw(&mesh, &kind.hardware.spec, u, kind.seed, common)?;
        let of = |error: fn(&Chip) -> f64| all.iter().map(error).collect::<Vec<f64>>();
        let (plain, corrected) = (of(|c| c.plain), of(|c| c.corrected));
        let good = self.within.map(|within| {
            let share = |errors: &[f64]| {
                let hits = errors.iter().filter(|e| **e <= within).count();
                (hits as f64 / errors.len() as f64, wilson(hits, errors.len()))
            };
            let (p, c) = (share(&plain), share(&corrected));
            Yield { plain: p.0, plain_interval: p.1, corrected: c.0, corrected_interval: c.1 }
        });
        let missed = all.iter().map(|c| c.missed as f64).sum::<f64>() / all.len() as f64;
        let answer = Answer {
            n,
            topology: name_of(mesh.topology),
            seed: kind.seed,
            plain: Spread::of(&plain),
            corrected: Spread::of(&corrected),
            missed,
            within: self.within,
            good,
            chips: all,
        };
        if common.json {
            return print_json(&answer);
        }
        print(&table(&answer, &mesh, u.is_some()))
    }

    fn draw(
        &self,
        mesh: &Mesh,
        spec: &Imperfections,
        u: Option<&[C]>,
        seed: u64,
        common: &Common,
    ) -> Result<Vec<Chip>> {
        let work = || chips(mesh, spec, u, seed, self.chips as usize).map_err(inputs::as_flag);
        let Some(threads) = common.threads else { return work() };
        rayon::ThreadPoolBuilder::new()
            .num_threads(usize::from(threads))
            .build()
            .map_err(|e| Error::device(format!("threads cannot be started: {e}")))?
            .install(work)
    }
}

fn table(answer: &Answer, mesh: &Mesh, given: bool) -> String {
    let count = answer.chips.len();
    let last = answer.seed.wrapping_add(count as u64 - 1);
    let mut text = format!(
        "{}; {count} chips, seeds {} to {last}, {}\n",
        describe(mesh),
        answer.seed,
        if given { "one matrix" } else { "a random unitary each" }
    );
    text += "rms error    mean      std       5 %       50 %      95 %\n";
    for (name, s) in [("plain", &answer.plain), ("corrected", &answer.corrected)] {
        text += &format!("{name:<10}");
        for v in [s.mean, s.std, s.p5, s.p50, s.p95] {
            text += &format!("  {v:<8.2e}");
        }
        text = text.trim_end().to_owned() + "\n";
    }
    if let (Some(within), Some(good)) = (answer.within, &answer.good) {
        let percent = |share: f64, [low, high]: [f64; 2]| {
            format!("{:.1} % ({:.1} to {:.1})", 100.0 * share, 100.0 * low, 100.0 * high)
        };
        text += &format!(
            "within {within}: {} of plain chips, {} of corrected ones\n",
            percent(good.plain, good.plain_interval),
            percent(good.corrected, good.corrected_interval)
        );
    }
    text + &format!(
        "out of reach: {:.1} of {} cells a chip",
        answer.missed,
        mesh.layout.cells.len()
    )
}
