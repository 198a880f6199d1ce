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

/// bf16 products of a MAC above 8 bits: a number is a + b, both bf16, b at most 2⁻⁹ of a, and b b' of two
/// is below half a step of 16 bits.
const PRODUCTS: f64 = 3.0;

/// A MAC of more bits than the 8 that the significand of a bf16 holds.
fn in_pieces(one: Baseline) -> Baseline {
    Baseline {
        arithmetic: "3 x bf16",
        joules_per_mac: PRODUCTS * one.joules_per_mac,
        rate: one.rate.map(|rate| rate / PRODUCTS),
        ..one
    }
}

/// Every baseline at so many bits by arithmetic that holds them: integers, fp4 and fp8 by their width,
/// which is their best case, bf16 and f16 by their significand. Above 8 bits numbers are pieces of
/// bf16, whose products one accumulator adds. The floor is an int4 MAC, times the square of its width
/// where it is wider, as the bits of its products go.
pub fn baselines(d: &Draw, bits: f64) -> Vec<Baseline> {
    let (narrow, eight) = (bits <= 4.0, bits <= 8.0);
    let mut all = vec![cpu(d)];
    all.extend(gpu(d, bits));
    let wide = |name, power, rate| in_pieces(chip(d, name, "bf16", power, rate));
    all.push(if eight {
        chip(d, "A100", "int8", "a100.power", "a100.rate8")
    } else {
        wide("A100", "a100.power", "a100.rate16")
    });
    all.push(if eight {
        chip(d, "H100", "int8", "h100.power", "h100.rate8")
    } else {
        wide("H100", "h100.power", "h100.rate16")
    });
    all.push(if narrow {
        chip(d, "B200", "fp4", "b200.power", "b200.rate4")
    } else if eight {
        chip(d, "B200", "fp8", "b200.power", "b200.rate8")
    } else {
        wide("B200", "b200.power", "b200.rate16")
    });
    let (joules_per_mac, basis) = d.trace(|d| d.get("h100.measured16"));
    let (name, rate) = ("H100, measured", None);
    let measured = Baseline { name, arithmetic: "bf16", joules_per_mac, rate, basis };
    all.push(if eight { measured } else { in_pieces(measured) });
    if eight {
        all.push(chip(d, "edge NPU (Edge TPU)", "int8", "edge_tpu.power", "edge_tpu.rate8"));
    }
    let (arithmetic, width) = match bits {
        b if b <= 4.0 => ("int4", 4.0f64),
        b if b <= 8.0 => ("int8", 8.0),
        _ => ("int16", 16.0),
    };
    let (joules_per_mac, basis) = d.trace(|d| d.get("floor.mac") * (width / 4.0).powi(2));
    let name = "arithmetic floor";
    all.push(Baseline { name, arithmetic, joules_per_mac, rate, basis });
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::energy::library::Library;

    /// METHODS C2, to its last digit; 16 bits are three products of 16-bit arithmetic.
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
                let products = if bits > 8.0 { 3.0 } else { 1.0 };
                let each = b.joules_per_mac / products;
                assert!((each * 1e12 - pj).abs() < 0.0051, "{name} {bits}: {b:?}");
            }
        }
    }

    /// No arithmetic of fewer bits than are asked for: 3 bf16 products a MAC above 8 bits at a third of
    /// the rate, and a floor whose multipliers grow with the square of their width.
    #[test]
    fn arithmetic_holds_the_bits() {
        let library = Library::built_in().expect("they are right");
        let d = Draw::typical(&library);
        for (bits, arithmetic, fj) in
            [(4.0, "int4", 30.0), (5.0, "int8", 120.0), (9.0, "int16", 480.0)]
        {
            let all = baselines(&d, bits);
            let floor = all.iter().find(|b| b.name == "arithmetic floor").expect("it is there");
            assert_eq!(floor.arithmetic, arithmetic);
            assert!((floor.joules_per_mac * 1e15 / fj - 1.0).abs() < 1e-12, "{floor:?}");
            let plain = all.iter().any(|b| b.arithmetic == "bf16");
            assert_eq!(plain, bits <= 8.0, "{all:?}");
        }
        let of = |bits: f64| {
            let all = baselines(&d, bits);
            let one = |name: &str| all.iter().find(|b| b.name == name).expect(name).clone();
            [one("A100"), one("H100, measured")]
        };
        let [a100, measured] = of(12.0);
        assert!((a100.rate.expect("it is known") / (312e12 / 2.0 / 3.0) - 1.0).abs() < 1e-12);
        assert!((measured.joules_per_mac / of(8.0)[1].joules_per_mac - 3.0).abs() < 1e-12);
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
