//! Between which sizes light wins, if it does: both ends, or never.
//!
//! Converters are shared by the N terms of a sum, so that small matrices lose; loss grows with the
//! columns, so that large ones lose again, are beyond the link budget, or do not fit the masks.

use serde::Serialize;

use super::digital::baselines;
use super::draw::Draw;
use super::library::Library;
use super::machine::Machine;

/// Largest matrix that is looked at.
pub const MOST: usize = 4096;

/// How far light must be ahead.
pub const FACTORS: [f64; 3] = [1.0, 10.0, 100.0];

/// Sizes from 2 to [`MOST`], eight an octave where that many are.
fn sizes() -> Vec<usize> {
    let octaves = (MOST as f64).log2() as i32;
    let mut all: Vec<usize> =
        (8..=8 * octaves).map(|i| 2f64.powf(f64::from(i) / 8.0).round() as usize).collect();
    all.dedup();
    all
}

/// Joules per MAC at the plug for every size, infinite where the machine cannot hold it.
struct Curve<'a> {
    machine: &'a Machine,
    draw: &'a Draw<'a>,
    bits: f64,
    sizes: Vec<usize>,
    joules: Vec<f64>,
}

impl<'a> Curve<'a> {
    fn new(machine: &'a Machine, draw: &'a Draw<'a>, bits: f64) -> Self {
        let sizes = sizes();
        let mut curve = Self { machine, draw, bits, sizes, joules: Vec::new() };
        curve.joules = curve.sizes.iter().map(|&n| curve.at(n)).collect();
        curve
    }

    fn at(&self, n: usize) -> f64 {
        let of = self.machine.of_size(self.draw, self.bits, n);
        of.map_or(f64::INFINITY, |[joules, macs]| joules / macs)
    }

    /// First and last size at which a MAC takes at most so much.
    fn within(&self, joules: f64) -> Option<[usize; 2]> {
        let good = |i: &usize| self.joules[*i] <= joules;
        let (first, last) = ((0..self.sizes.len()).find(good)?, (0..self.sizes.len()).rfind(good)?);
        let low = match first.checked_sub(1) {
            Some(before) => self.edge(self.sizes[before], self.sizes[first], joules),
            None => self.sizes[first],
        };
        let high = match self.sizes.get(last + 1) {
            Some(&after) => self.edge(after, self.sizes[last], joules),
            None => self.sizes[last],
        };
        Some([low, high])
    }

    /// The size nearest to `out`, which is too dear, that is not; `within` is not.
    fn edge(&self, mut out: usize, mut within: usize, joules: f64) -> usize {
        while out.abs_diff(within) > 1 {
            let middle = out.midpoint(within);
            if self.at(middle) <= joules { within = middle } else { out = middle }
        }
        within
    }
}

/// Against one baseline, by how far light must be ahead.
#[derive(Debug, Clone, Serialize)]
pub struct BreakEven {
    pub baseline: &'static str,
    pub arithmetic: &'static str,
    pub factor: f64,
    /// N from and to, at the typical figures; none is never.
    pub typical: Option<[usize; 2]>,
    /// Share of the draws in which there is one.
    pub exists: f64,
    /// 5, 50 and 95 % of the lower and the upper end, over the draws that have one.
    pub from: Option<[usize; 3]>,
    pub to: Option<[usize; 3]>,
    /// Draws in which the upper end is the largest size that was looked at.
    pub unbounded: f64,
}

pub fn break_even(
    machine: &Machine,
    library: &Library,
    bits: f64,
    seed: u64,
    draws: u32,
) -> Vec<BreakEven> {
    let ends = |d: &Draw| -> Vec<Option<[usize; 2]>> {
        let curve = Curve::new(machine, d, bits);
        let digital = baselines(d, bits);
        let wanted = digital.iter().flat_map(|b| FACTORS.map(|f| b.joules_per_mac / f));
        wanted.map(|joules| curve.within(joules)).collect()
    };
    let typical = Draw::typical(library);
    let at_typical = ends(&typical);
    let random: Vec<_> = (0..draws).map(|n| ends(&Draw::random(library, seed, n))).collect();
    let names = baselines(&typical, bits);
    let cells = names.iter().flat_map(|b| FACTORS.map(|factor| (b, factor)));
    let summary = |(i, (b, factor)): (usize, (&super::digital::Baseline, f64))| {
        let found: Vec<[usize; 2]> = random.iter().filter_map(|r| r[i]).collect();
        let spread = |end: usize| {
            let mut all: Vec<usize> = found.iter().map(|f| f[end]).collect();
            all.sort_unstable();
            let at = |q: f64| all[((all.len() - 1) as f64 * q).round() as usize];
            (!all.is_empty()).then(|| [at(0.05), at(0.5), at(0.95)])
        };
        let open = found.iter().filter(|f| f[1] == MOST).count();
        BreakEven {
            baseline: b.name,
            arithmetic: b.arithmetic,
            factor,
            typical: at_typical[i],
            exists: found.len() as f64 / f64::from(draws.max(1)),
            from: spread(0),
            to: spread(1),
            unbounded: open as f64 / f64::from(draws.max(1)),
        }
    };
    cells.enumerate().map(summary).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With converters alone the machine's lower end is N* = ΣE_conv/E_digital rounded up: 13.5 pJ
    /// against 0.5 pJ a MAC is 27 at 8 bits, 2.4 pJ against 0.3 is 8 at 4 (METHODS C3).
    #[test]
    fn converters_alone_give_the_closed_form() {
        let machine = Machine::named("svd").expect("it is there");
        for (bits, b4, b8, digital, expected) in
            [(8.0, 1.0, 13.5, 0.5, 27), (4.0, 2.4, 10.0, 0.3, 8)]
        {
            let mut library = Library::built_in().expect("they are right");
            for set in [
                format!("dac.b4={b4}"),
                format!("dac.b8={b8}"),
                "adc.b4=1e-9".into(),
                "adc.b8=1e-9".into(),
                "receiver.energy=0".into(),
                "receiver.noise=0".into(),
                "silicon.modulator=0".into(),
                "silicon.mzi_loss=0".into(),
                "silicon.strip_loss=0".into(),
                "silicon.facet_loss=0".into(),
                "silicon.modulator_loss=0".into(),
                "silicon.wall_plug=1".into(),
                "silicon.svd_transmission=1".into(),
                "silicon.control=0".into(),
                "silicon.reuse=1e30".into(),
                "thermo.power=0".into(),
                "memory.sram=0".into(),
                // That of 4 bits: a MAC of b takes (b/4)² as much.
                format!("floor.mac={} pJ", digital / (bits / 4.0f64).powi(2)),
            ] {
                library.set(&set).expect("a figure");
            }
            let all = break_even(&machine, &library, bits, 1, 3);
            let floor = all.iter().find(|b| b.baseline == "arithmetic floor" && b.factor == 1.0);
            let floor = floor.expect("it is there");
            // Shot noise of 8 bits is 8 fJ an output: the ratio is 27.016, so 28 is the first whole
            // one; at 4 bits 8.0001.
            assert_eq!(floor.typical, Some([expected + 1, MOST]), "{bits} bits");
        }
    }

    /// Loss ends the win: with more of it the upper end falls.
    #[test]
    fn loss_lowers_the_upper_end() {
        let machine = Machine::named("pcm").expect("it is there");
        let upper = |loss: &str| {
            let mut library = Library::built_in().expect("they are right");
            library.set(loss).expect("a loss");
            library.set("silicon.control=0").expect("a power");
            let all = break_even(&machine, &library, 4.0, 1, 1);
            let a100 = all.iter().find(|b| b.baseline == "A100" && b.factor == 1.0);
            a100.expect("it is there").typical.map(|[_, high]| high)
        };
        let (low, high) = (upper("silicon.mzi_loss=0.05"), upper("silicon.mzi_loss=0.2"));
        assert!(low > high && high.is_some(), "{low:?} {high:?}");
    }

    /// No size beyond the link budget wins, however dear the digital machine is: at 0.5 dB an
    /// interferometer 55 columns pass, 27 modes of an SVD layer.
    #[test]
    fn the_link_budget_ends_the_win() {
        let machine = Machine::named("svd").expect("it is there");
        let mut library = Library::built_in().expect("they are right");
        library.set("cpu.core_power=1 kW").expect("a power");
        let all = break_even(&machine, &library, 4.0, 1, 1);
        let cpu = all.iter().find(|b| b.baseline == "this CPU" && b.factor == 1.0);
        assert_eq!(cpu.expect("it is there").typical, Some([2, 27]));
        library.set("silicon.link_budget=60").expect("a budget");
        let all = break_even(&machine, &library, 4.0, 1, 1);
        let cpu = all.iter().find(|b| b.baseline == "this CPU" && b.factor == 1.0);
        // (60 - 3) / 0.5375 are 106 columns.
        assert_eq!(cpu.expect("it is there").typical, Some([2, 52]));
    }

    #[test]
    fn sizes_rise() {
        let all = sizes();
        assert_eq!((all[0], all[all.len() - 1]), (2, MOST));
        assert!(all.windows(2).all(|w| w[0] < w[1]));
    }
}
