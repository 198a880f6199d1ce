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

/// bf16 products of a MAC beyond f16: a number is a + b, both bf16, b at most 2⁻⁹ of a, and b b' of two is
/// below half a step of 16 bits.
const BF16_PRODUCTS: f64 = 3.0;

/// int8 products of a MAC above 8 bits: a number is two of them.
pub const INT8_PRODUCTS: f64 = 4.0;

fn in_pieces(one: Baseline, arithmetic: &'static str, products: f64) -> Baseline {
    Baseline {
        arithmetic,
        joules_per_mac: products * one.joules_per_mac,
        rate: one.rate.map(|rate| rate / products),
        ..one
    }
}

fn in_bf16(one: Baseline) -> Baseline {
    in_pieces(one, "3 x bf16", BF16_PRODUCTS)
}

fn in_int8(one: Baseline) -> Baseline {
    in_pieces(one, "4 x int8", INT8_PRODUCTS)
}

/// A chip at more than 8 bits: in f16 as far as it holds them, then in pieces that one accumulator adds,
/// those that take less.
fn wide(
    d: &Draw,
    bits: f64,
    name: &'static str,
    [power, rate16]: [&str; 2],
    rate8: Option<&str>,
) -> Baseline {
    if bits <= F16_BITS {
        return chip(d, name, "f16", power, rate16);
    }
    let of_bf16 = in_bf16(chip(d, name, "bf16", power, rate16));
    let of_int8 = rate8.map(|rate| in_int8(chip(d, name, "int8", power, rate)));
    of_int8.filter(|o| o.joules_per_mac < of_bf16.joules_per_mac).unwrap_or(of_bf16)
}

/// Every baseline at so many bits by arithmetic that holds them: integers, fp4 and fp8 by their width,
/// which is their best case, bf16 and f16 by their significand. The floor is an int4 MAC, times the
/// square of its width where it is wider, as the bits of its products go.
pub fn baselines(d: &Draw, bits: f64) -> Vec<Baseline> {
    let (narrow, eight) = (bits <= 4.0, bits <= 8.0);
    let mut all = vec![cpu(d)];
    all.extend(gpu(d, bits));
    all.push(if eight {
        chip(d, "A100", "int8", "a100.power", "a100.rate8")
    } else {
        wide(d, bits, "A100", ["a100.power", "a100.rate16"], Some("a100.rate8"))
    });
    all.push(if eight {
        chip(d, "H100", "int8", "h100.power", "h100.rate8")
    } else {
        wide(d, bits, "H100", ["h100.power", "h100.rate16"], Some("h100.rate8"))
    });
    all.push(if narrow {
        chip(d, "B200", "fp4", "b200.power", "b200.rate4")
    } else if eight {
        chip(d, "B200", "fp8", "b200.power", "b200.rate8")
    } else {
        wide(d, bits, "B200", ["b200.power", "b200.rate16"], None)
    });
    let (joules_per_mac, basis) = d.trace(|d| d.get("h100.measured16"));
    let (name, rate) = ("H100, measured", None);
    let measured = Baseline { name, arithmetic: "bf16", joules_per_mac, rate, basis };
    all.push(if eight { measured } else { in_bf16(measured) });
    let edge = chip(d, "edge NPU (Edge TPU)", "int8", "edge_tpu.power", "edge_tpu.rate8");
    all.push(if eight { edge } else { in_int8(edge) });
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

    /// METHODS C2, to its last digit; 16 bits are four products of int8 or three of bf16.
    #[test]
    fn joules_of_the_specifications() {
        let library = Library::built_in().expect("they are right");
        let d = Draw::typical(&library);
        for (bits, expected) in
            [(10.0, [2.56, 1.42, 0.89]), (8.0, [1.28, 0.71, 0.44]), (4.0, [1.28, 0.71, 0.22])]
        {
            let all = baselines(&d, bits);
            for (name, pj) in ["A100", "H100", "B200"].into_iter().zip(expected) {
                let b = all.iter().find(|b| b.name == name).expect("it is there");
                assert!((b.joules_per_mac * 1e12 - pj).abs() < 0.0051, "{name} {bits}: {b:?}");
            }
        }
        let all = baselines(&d, 16.0);
        for (name, pj) in [("A100", 4.0 * 1.28), ("H100", 4.0 * 0.71), ("B200", 3.0 * 0.89)] {
            let b = all.iter().find(|b| b.name == name).expect("it is there");
            assert!((b.joules_per_mac * 1e12 - pj).abs() < 4.0 * 0.0051, "{name}: {b:?}");
        }
    }

    /// No arithmetic of fewer bits than are asked for: pieces at a part of the rate, and a floor whose
    /// multipliers grow with the square of their width.
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
        assert!((a100.rate.expect("it is known") / (624e12 / 2.0 / 4.0) - 1.0).abs() < 1e-12);
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
