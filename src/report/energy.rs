//! What an answer of `lightloom energy` is written as, in a terminal and on a page alike.

use crate::energy::answer::OfMacs;
use crate::energy::unit::engineering;

/// Of the cells of [`useful`].
pub const USEFUL: [&str; 6] = [
    "rank, mean (over regions)",
    "inputs lit",
    "useful complex MACs",
    "modes that fit",
    "complex MACs of them",
    "“connections”",
];

/// What a stack computes, beside the modes that fit its regions and what papers count.
pub fn useful(macs: &OfMacs) -> [String; 6] {
    let [rank, inputs, useful] = match &macs.numerical {
        Some(n) => {
            let ends = [n.ranks.iter().min(), n.ranks.iter().max()].map(|r| r.map_or(0, |r| *r));
            let rank = format!("{:.1} ({} to {})", n.mean_rank, ends[0], ends[1]);
            [rank, n.inputs.to_string(), count(n.complex_macs)]
        }
        None => ["–", "–", "–"].map(String::from),
    };
    let modes = macs.geometric_rank.to_string();
    let [fit, connections] = [macs.geometric_complex_macs, macs.connections].map(count);
    [rank, inputs, useful, modes, fit, connections]
}

/// `99999`, `1.20 M`.
pub fn count(v: f64) -> String {
    if v < 1e5 { format!("{v:.0}") } else { engineering(v, "").trim_end().to_owned() }
}
