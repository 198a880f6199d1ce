//! The table of the second half.

use super::digital::{Contender, Digital, Product};
use super::sheets::{Sheet, share, spread};

pub fn products(digital: &Digital) -> Sheet {
    let row = |p: &Product, c: &Contender| {
        let [low, high] = c.ratio.quartiles;
        vec![
            p.n.to_string(),
            p.batch.to_string(),
            c.name.clone(),
            spread(&c.seconds),
            format!("{:.1}", c.gflop_s),
            share(c.peak_share),
            c.joules_per_mac.map_or("-".into(), |j| format!("{:.1} pJ", j * 1e12)),
            format!("{:.2} ({low:.2} to {high:.2})", c.ratio.median),
        ]
    };
    let rows = digital.products.iter().flat_map(|p| p.contenders.iter().map(move |c| row(p, c)));
    let gpu = digital.gpu_fma.map_or(String::new(), |g| format!(", of the GPU {g:.0}"));
    let all = digital.products.iter().flat_map(|p| &p.contenders);
    let mut energy: Vec<String> = Vec::new();
    for source in
        all.filter_map(|c| Some(format!("{}: measured by {}", c.name, c.energy_source.as_ref()?)))
    {
        if !energy.contains(&source) {
            energy.push(source);
        }
    }
    energy.extend(digital.without_energy.iter().cloned());
    let energy = energy.join("; ");
    Sheet {
        title: "Products of matrices, by turns in every round".into(),
        header: vec![
            "N",
            "batch",
            "contender",
            "time (quartiles)",
            "GFLOP/s",
            "of peak",
            "a MAC",
            "ratio (quartiles)",
        ],
        rows: rows.collect(),
        note: format!(
            "N x N by N x batch in f32, random operands that are not zero; 2 operations a MAC of the \
             product. In f16: the operands, where the adapter has it; products and sums are f32. \
             Peak: multiply-adds measured in this run, of the CPU {:.0} GFLOP/s{gpu}. Ratio: its time \
             over that of the first, round by round; \"again\" is the control. Light: a Haar-random \
             mesh of N modes on the device, column by column, up to N = 256. Energy: {energy}.",
            digital.cpu_fma
        ),
    }
}
