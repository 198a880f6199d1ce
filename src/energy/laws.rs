//! Closed forms: what light a detector needs, what converters take, where loss ends the win.
//!
//! The shot-noise convention is 2q·SNR: noise of spectral density 2qI in a bandwidth equal to the
//! symbol rate. A matched integrator, whose noise bandwidth is half of that, needs half the light.

pub const ELEMENTARY_CHARGE: f64 = 1.602_176_634e-19;
pub const BOLTZMANN: f64 = 1.380_649e-23;
const PLANCK: f64 = 6.626_070_15e-34;
pub const SPEED_OF_LIGHT: f64 = 299_792_458.0;

/// hc/λ in J.
pub fn photon_energy(wavelength: f64) -> f64 {
    PLANCK * SPEED_OF_LIGHT / wavelength
}

/// Ratio of powers of an ideal converter of so many bits: 10^((6.02 b + 1.76)/10).
pub fn snr(bits: f64) -> f64 {
    10f64.powf((6.02 * bits + 1.76) / 10.0)
}

/// Ratio of powers that a loss leaves.
pub fn transmission(db: f64) -> f64 {
    10f64.powf(-db / 10.0)
}

/// Light per symbol by shot noise alone: 2q·SNR/ℛ.
pub fn shot_energy(snr: f64, responsivity: f64) -> f64 {
    2.0 * ELEMENTARY_CHARGE * snr / responsivity
}

/// Light per symbol by the noise of an amplifier alone, i_n in A/√Hz: √SNR·i_n/(ℛ√B). With
/// NEP = i_n/ℛ in W/√Hz it is √SNR·NEP/√B.
pub fn amplifier_energy(snr: f64, noise: f64, responsivity: f64, rate: f64) -> f64 {
    snr.sqrt() * noise / (responsivity * rate.sqrt())
}

/// Light per symbol at a photodiode by both: I² = SNR·B·(2qI + i_n²), E = I/(ℛB).
pub fn direct_energy(snr: f64, noise: f64, responsivity: f64, rate: f64) -> f64 {
    let shot = ELEMENTARY_CHARGE * rate * snr;
    let current = shot + (shot * shot + snr * noise * noise * rate).sqrt();
    current / (responsivity * rate)
}

/// Light per symbol of a balanced homodyne receiver: of the signal, and of a local oscillator
/// that splits the noise so that both together are least.
///
/// SNR = 4ℛ²·P_s·P_LO / ((2qℛ·P_LO + i_n²)·B); `cost` is how much light is launched for a unit of
/// signal over how much for a unit of local oscillator.
pub fn homodyne_energy(snr: f64, noise: f64, responsivity: f64, rate: f64, cost: f64) -> [f64; 2] {
    // Without amplifier noise a trace of local oscillator would do.
    let oscillator = noise * (snr * cost).sqrt() / (2.0 * responsivity * rate.sqrt());
    let shot = ELEMENTARY_CHARGE * snr / (2.0 * responsivity);
    let thermal = if oscillator > 0.0 {
        snr * noise * noise / (4.0 * responsivity * responsivity * rate * oscillator)
    } else {
        0.0
    };
    [shot + thermal, oscillator]
}

/// Electrons that pixels must hold together: SNR = n²/(n + pixels·r²).
pub fn camera_electrons(snr: f64, read_noise: f64, pixels: f64) -> f64 {
    let read = pixels * read_noise * read_noise;
    f64::midpoint(snr, (snr * snr + 4.0 * snr * read).sqrt())
}

/// Energy of a converter that is known at 4 and at 8 bits: between and below them by the same
/// factor a bit, above them times 4 a bit, where thermal noise rules.
pub fn converter_energy(four: f64, eight: f64, bits: f64) -> f64 {
    if bits > 8.0 {
        return eight * 4f64.powf(bits - 8.0);
    }
    four * (eight / four).powf((bits - 4.0) / 4.0)
}

/// A converter below 1 GS/s: figure of merit x 2^bits, and no less than 8 kT·SNR.
pub fn slow_converter_energy(merit: f64, bits: f64, temperature: f64) -> f64 {
    (merit * 2f64.powf(bits)).max(8.0 * BOLTZMANN * temperature * snr(bits))
}

/// Columns of interferometers that light can pass: (budget - 2 facets) / (cell + guide).
pub fn loss_wall(budget: f64, facet: f64, cell: f64, guide: f64) -> f64 {
    (budget - 2.0 * facet).max(0.0) / (cell + guide)
}

/// Modes from which on converters are paid for: N* = ΣE_conv / (E_digital - E_static), where the
/// static part is per MAC; never where the static part alone is more.
pub fn converter_break_even(converters: f64, digital: f64, fixed: f64) -> Option<f64> {
    (digital > fixed).then(|| converters / (digital - fixed))
}

/// Energy per MAC of phases that are held: `hold`·P_π·n_PS/(MACs·B).
pub fn held_energy(hold: f64, power: f64, shifters: f64, macs: f64, rate: f64) -> f64 {
    hold * power * shifters / (macs * rate)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(value: f64, expected: f64, relative: f64) {
        assert!((value / expected - 1.0).abs() < relative, "{value:e} for {expected:e}");
    }

    /// Photon energies as METHODS C1 gives them, to its three digits.
    #[test]
    fn photons() {
        close(photon_energy(1550e-9), 1.28e-19, 5e-3);
        close(photon_energy(532e-9), 3.73e-19, 5e-3);
        close(photon_energy(0.75e-3), 2.65e-22, 5e-3);
    }

    /// METHODS C1 at 1 A/W: shot 0.12 fJ at 4 bits and 31 fJ at 8; a TIA of 5 pA/√Hz at 1 GHz 3.1
    /// and 49 fJ (49.5: cut, not rounded). Half a unit of the last digit is 4 %, 2 %, 2 % and 1 %.
    #[test]
    fn light_for_bits() {
        close(shot_energy(snr(4.0), 1.0), 0.12e-15, 0.04);
        close(shot_energy(snr(8.0), 1.0), 31e-15, 0.02);
        close(amplifier_energy(snr(4.0), 5e-12, 1.0, 1e9), 3.1e-15, 0.02);
        close(amplifier_energy(snr(8.0), 5e-12, 1.0, 1e9), 49e-15, 0.012);
        // The factor 2 of the convention is seen: q·SNR is not within the tolerance.
        assert!((shot_energy(snr(4.0), 1.0) / 2.0 / 0.12e-15 - 1.0).abs() > 0.04);
    }

    /// Both noises together: each law where the other vanishes, and never less than either.
    #[test]
    fn direct_detection_has_both_limits() {
        for bits in [2.0, 4.0, 8.0, 12.0] {
            let s = snr(bits);
            close(direct_energy(s, 0.0, 0.8, 1e9), shot_energy(s, 0.8), 1e-12);
            let loud = 1e-6;
            close(direct_energy(s, loud, 0.8, 1e9), amplifier_energy(s, loud, 0.8, 1e9), 1e-3);
            let both = direct_energy(s, 5e-12, 0.8, 1e9);
            assert!(both > shot_energy(s, 0.8) && both > amplifier_energy(s, 5e-12, 0.8, 1e9));
        }
    }

    /// The signal and the local oscillator give the SNR that was asked for, and any other
    /// oscillator needs more light.
    #[test]
    fn the_oscillator_is_the_best() {
        let (noise, r, rate) = (5e-12, 0.9, 2e9);
        for (bits, cost) in [(4.0, 1.0), (8.0, 40.0)] {
            let s = snr(bits);
            let [signal, oscillator] = homodyne_energy(s, noise, r, rate, cost);
            let total = |o: f64| {
                let noise = 2.0 * ELEMENTARY_CHARGE * r * o * rate + noise * noise;
                let signal = s * noise * rate / (4.0 * r * r * o * rate * rate);
                (signal, cost * signal + o)
            };
            close(total(oscillator).0, signal, 1e-12);
            let best = total(oscillator).1;
            assert!(total(1.1 * oscillator).1 > best && total(0.9 * oscillator).1 > best);
        }
        close(homodyne_energy(100.0, 0.0, r, rate, 1.0)[0], 50.0 * ELEMENTARY_CHARGE / r, 1e-12);
    }

    #[test]
    fn pixels_hold_enough() {
        close(camera_electrons(1000.0, 0.0, 9.0), 1000.0, 1e-12);
        let (n, r, p) = (camera_electrons(400.0, 3.0, 50.0), 3.0, 50.0);
        close(n * n / (n + p * r * r), 400.0, 1e-12);
    }

    /// METHODS C3: 13.5 pJ of converters at 8 bits against 0.5 pJ a MAC, 2.4 pJ at 4 bits against
    /// 0.3: 27 and 8 modes. A static part above the digital energy leaves none.
    #[test]
    fn converters_break_even() {
        close(converter_break_even(13.5e-12, 0.5e-12, 0.0).expect("there is one"), 27.0, 1e-12);
        close(converter_break_even(2.4e-12, 0.3e-12, 0.0).expect("there is one"), 8.0, 1e-12);
        assert_eq!(converter_break_even(13.5e-12, 0.5e-12, 5e-12), None);
    }

    /// METHODS C3: half of 10 mW is 5 pJ a MAC at 1 GHz and 0.5 pJ at 10 GHz, whatever N.
    #[test]
    fn held_phases_are_a_floor() {
        for n in [4.0, 64.0, 1024.0] {
            close(held_energy(0.5, 10e-3, n * n, n * n, 1e9), 5e-12, 1e-12);
            close(held_energy(0.5, 10e-3, n * n, n * n, 1e10), 0.5e-12, 1e-12);
        }
    }

    /// METHODS C3: 33 dB less two facets of 1.5 dB, 0.0375 dB of guide a column: 218, 55 and 14
    /// columns at 0.1, 0.5 and 2 dB an interferometer.
    #[test]
    fn loss_is_a_wall() {
        for (cell, columns) in [(0.1, 218.0), (0.5, 55.0), (2.0, 14.0)] {
            let wall = loss_wall(33.0, 1.5, cell, 0.0375);
            close(wall, 30.0 / (cell + 0.0375), 1e-12);
            assert_eq!(wall.floor(), columns);
        }
        assert_eq!(loss_wall(2.0, 1.5, 0.1, 0.0375), 0.0);
    }

    #[test]
    fn converters_between_the_bits_that_are_known() {
        let e = |bits| converter_energy(1.5e-12, 10e-12, bits);
        close(e(4.0), 1.5e-12, 1e-12);
        close(e(8.0), 10e-12, 1e-12);
        close(e(6.0), (15.0f64).sqrt() * 1e-12, 1e-12);
        close(e(9.0), 40e-12, 1e-12);
        // 8 kT·SNR passes 10 fJ x 2^b between 16 and 20 bits.
        close(slow_converter_energy(10e-15, 8.0, 300.0), 2.56e-12, 1e-12);
        close(
            slow_converter_energy(10e-15, 20.0, 300.0),
            8.0 * BOLTZMANN * 300.0 * snr(20.0),
            1e-12,
        );
    }
}
