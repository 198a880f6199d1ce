//! Error laws against Monte-Carlo draws (PEERS.md M12; Bandyopadhyay 2021; Hamerly 2022).

use super::correct::decompose_for;
use super::decompose::decompose;
use super::dense::rms_distance;
use super::effective::effective;
use super::haar::haar;
use super::{Imperfections, Mesh, Topology};

#[derive(Clone, Copy, PartialEq)]
enum Programming {
    /// As if the chip were ideal.
    Plain,
    /// For its known faults.
    Corrected,
}

/// rms over `chips` chips, each with its own Haar-random U, of ‖ΔU‖_F/√N.
fn rms_error(mesh: &Mesh, spec: &Imperfections, chips: u64, how: Programming) -> f64 {
    let n = mesh.n;
    let total: f64 = (0..chips)
        .map(|seed| {
            let u = haar(n, 1000 + seed).expect("a size");
            let faults = spec.draw(mesh, seed).expect("valid");
            let settings = match how {
                Programming::Plain => decompose(mesh, &u).expect("a unitary"),
                Programming::Corrected => decompose_for(mesh, &u, &faults).expect("fits").settings,
            };
            let got = effective(mesh, &settings, &faults).expect("fits").matrix();
            rms_distance(n, &u, &got).powi(2)
        })
        .sum();
    (total / chips as f64).sqrt()
}

fn splitters(sigma: f64) -> Imperfections {
    Imperfections { splitter_angle: sigma, ..Default::default() }
}

fn phases(sigma: f64) -> Imperfections {
    Imperfections { theta_std: sigma, phi_std: sigma, ..Default::default() }
}

fn clements(n: usize) -> Mesh {
    Mesh::new(n, Topology::Clements).expect("a size")
}

/// M12: σ√(2(N-1)) for two splitters a cell, σ√(N-1) for θ and φ. The error of one chip scatters
/// by about a quarter, so that 400 draws leave 3 std = 2 %; second order in σ is 0.1 %.
#[test]
fn uncorrected_errors_grow_with_the_root_of_n() {
    for n in [8usize, 16] {
        let root = ((n - 1) as f64).sqrt();
        for (spec, law) in
            [(splitters(0.01), 0.01 * 2f64.sqrt() * root), (phases(0.01), 0.01 * root)]
        {
            let ratio = rms_error(&clements(n), &spec, 400, Programming::Plain) / law;
            println!("N = {n}: {law:.5} x {ratio:.4}");
            assert!((ratio - 1.0).abs() < 0.03, "{n}: {ratio}");
            assert!((ratio * 2f64.sqrt() - 1.0).abs() > 0.03, "a lost √2 is seen");
        }
    }
}

/// √(2(N²-1)/3) σ², that is E₀²/√6 for large N. The sum is carried by some 2.2 cells out of reach
/// a chip (N³σ²/3) whose squares scatter twofold: 200 chips leave 2 std = 10 %.
#[test]
fn corrected_errors_are_quadratic() {
    let (n, sigma) = (24usize, 0.02);
    let law = (2.0 / 3.0 * ((n * n - 1) as f64)).sqrt() * sigma * sigma;
    let ratio = rms_error(&clements(n), &splitters(sigma), 200, Programming::Corrected) / law;
    println!("N = {n}: {law:.5} x {ratio:.4}");
    assert!((ratio - 1.0).abs() < 0.1, "{ratio}");
    let three = clements(n).with_three_splitters(true);
    let third = rms_error(&three, &splitters(sigma), 200, Programming::Corrected) / law;
    println!("three splitters: x {third:.4}");
    assert!(third < 0.5, "{third}");
}

/// `cargo test --release -- --ignored --nocapture corrected_errors_follow`
#[test]
#[ignore = "seconds in release, minutes in debug"]
fn corrected_errors_follow_the_law_at_64_modes() {
    for (sigma, chips) in [(0.005, 400), (0.01, 50), (0.02, 50)] {
        for topology in [Topology::Clements, Topology::Reck] {
            let mesh = Mesh::new(64, topology).expect("a size");
            let plain = rms_error(&mesh, &splitters(sigma), chips, Programming::Plain);
            let corrected = rms_error(&mesh, &splitters(sigma), chips, Programming::Corrected);
            let three = mesh.with_three_splitters(true);
            let third_plain = rms_error(&three, &splitters(sigma), chips, Programming::Plain);
            let third = rms_error(&three, &splitters(sigma), chips, Programming::Corrected);
            let e0 = sigma * (2.0f64 * 63.0).sqrt();
            let law = e0 * e0 / 6f64.sqrt();
            println!(
                "{topology:?} σ = {sigma}: plain {plain:.5} (x {:.4}), corrected {corrected:.3e} (x {:.4}), \
                 three splitters plain {third_plain:.5} (x {:.4}), corrected {third:.3e} (x {:.4})",
                plain / e0,
                corrected / law,
                third_plain / e0,
                third / law
            );
            assert!(
                (corrected / law - 1.0).abs() < 0.1,
                "{topology:?} {sigma}: {}",
                corrected / law
            );
            assert!(third < 0.7 * corrected);
        }
    }
}
