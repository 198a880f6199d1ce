//! What light must beat: energy and time of a real MAC on digital machines.
//!
//! J/MAC = 2 W/(operations a second), dense peak at TDP: the best case, since a chip that waits for
//! memory or for a small batch takes the same power and does less.

use super::draw::{Basis, Draw};

#[derive(Debug, Clone)]
pub struct Baseline {
    pub name: &'static str,
    /// The arithmetic that it does: `fp8`, `f32`.
    pub arithmetic: &'static str,
    pub joules_per_mac: f64,
    /// MACs a second at most; none where only the energy is known.
    pub rate: Option<f64>,
    pub basis: Basis,
}

/// A chip by its power and its rate.
fn chip(
    d: &Draw,
    name: &'static str,
    arithmetic: &'static str,
    power: &str,
    rate: &str,
) -> Baseline {
    let ([joules_per_mac, rate], basis) = d.trace(|d| {
        let rate = d.get(rate) / 2.0;
        [d.get(power) / rate, rate]
    });
    Baseline { name, arithmetic, joules_per_mac, rate: Some(rate), basis }
}

/// The machine at hand, all of its cores.
fn cpu(d: &Draw) -> Baseline {
    let mut one = chip(d, "this CPU", "f32", "cpu.core_power", "cpu.core_rate");
    let (cores, basis) = d.trace(|d| d.get("cpu.cores"));
    one.rate = one.rate.map(|rate| rate * cores);
    one.basis.0.extend(basis.0);
    one
}

/// Bits that the significand of an f16 holds, the hidden one with it.
const F16_BITS: f64 = 11.0;

/// The GPU at hand, where its rate and its power are known: with operands in f16 where they hold the
/// bits and take less.
fn gpu(d: &Draw, bits: f64) -> Option<Baseline> {
    let of = |arithmetic, power, rate| {
        let known = d.get(power) > 0.0 && d.get(rate) > 0.0;
        known.then(|| chip(d, "this GPU", arithmetic, power, rate))
    };
    let whole = of("f32", "gpu.power32", "gpu.rate32");
    let half = of("f16", "gpu.power16", "gpu.rate16").filter(|_| bits <= F16_BITS);
    let both = whole.into_iter().chain(half);
    both.min_by(|a, b| a.joules_per_mac.total_cmp(&b.joules_per_mac))
}

/// Every baseline at so many bits: the narrowest arithmetic of each that holds them.
pub fn baselines(d: &Draw, bits: f64) -> Vec<Baseline> {
    let (narrow, eight) = (bits <= 4.0, bits <= 8.0);
    let mut all = vec![cpu(d)];
    all.extend(gpu(d, bits));
    all.push(if eight {
        chip(d, "A100", "int8", "a100.power", "a100.rate8")
    } else {
        chip(d, "A100", "bf16", "a100.power", "a100.rate16")
    });
    all.push(if eight {
        chip(d, "H100", "fp8", "h100.power", "h100.rate8")
    } else {
        chip(d, "H100", "bf16", "h100.power", "h100.rate16")
    });
    all.push(if narrow {
        chip(d, "B200", "fp4", "b200.power", "b200.rate4")
    } else if eight {
        chip(d, "B200", "fp8", "b200.power", "b200.rate8")
    } else {
        chip(d, "B200", "bf16", "b200.power", "b200.rate16")
    });
    let (joules_per_mac, basis) = d.trace(|d| d.get("h100.measured16"));
    let (name, rate) = ("H100, measured", None);
    all.push(Baseline { name, arithmetic: "bf16", joules_per_mac, rate, basis });
    if eight {
        all.push(chip(d, "edge NPU (Edge TPU)", "int8", "edge_tpu.power", "edge_tpu.rate8"));
    }
    let (joules_per_mac, basis) = d.trace(|d| d.get("floor.mac"));
    let name = "arithmetic floor";
    all.push(Baseline { name, arithmetic: "int4", joules_per_mac, rate, basis });
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::energy::library::Library;

    /// METHODS C2, to its last digit.
    #[test]
    fn joules_of_the_specifications() {
        let library = Library::built_in().expect("they are right");
        let d = Draw::typical(&library);
        for (bits, expected) in
            [(16.0, [2.56, 1.42, 0.89]), (8.0, [1.28, 0.71, 0.44]), (4.0, [1.28, 0.71, 0.22])]
        {
            let all = baselines(&d, bits);
            for (name, pj) in ["A100", "H100", "B200"].into_iter().zip(expected) {
                let b = all.iter().find(|b| b.name == name).expect("it is there");
                assert!((b.joules_per_mac * 1e12 - pj).abs() < 0.0051, "{name} {bits}: {b:?}");
            }
        }
    }

    /// A GPU has a row where rate and power are known, 2 W/rate a MAC; f16 where it holds the bits
    /// and takes less.
    #[test]
    fn the_gpu_at_hand() {
        let of = |settings: &[&str], bits: f64| {
            let mut library = Library::built_in().expect("they are right");
            for s in settings {
                library.set(s).expect(s);
            }
            let all = baselines(&Draw::typical(&library), bits);
            let one = all.into_iter().find(|b| b.name == "this GPU")?;
            Some((one.arithmetic, one.joules_per_mac, one.rate.expect("it is known")))
        };
        let whole = ["gpu.rate32=20000", "gpu.power32=300"];
        assert_eq!(of(&[], 8.0), None);
        assert_eq!(of(&whole[..1], 8.0), None, "a rate without a power");
        assert_eq!(of(&whole, 8.0), Some(("f32", 300.0 / 1e13, 1e13)));
        let both = [&whole[..], &["gpu.rate16=30000", "gpu.power16=300"]].concat();
        assert_eq!(of(&both, 8.0), Some(("f16", 300.0 / 1.5e13, 1.5e13)));
        assert_eq!(of(&both, 12.0), of(&whole, 12.0), "an f16 does not hold 12 bits");
        let slow = [&whole[..], &["gpu.rate16=10000", "gpu.power16=300"]].concat();
        assert_eq!(of(&slow, 8.0), of(&whole, 8.0));
    }
}
