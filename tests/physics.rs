//! Closed forms of optics through the program: scene file, lowering, CPU in f64.
//!
//! Every tolerance is either rounding (1e-12: a few hundred steps of 1e-16 with room to spare) or
//! the size of what the closed form itself leaves out, which its test derives.

use std::f64::consts::{PI, TAU};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lightloom::backend::Precision::{self, F32, F64};
use lightloom::backend::cpu;
use lightloom::experiment::load;
use lightloom::files::npy;
use lightloom::lower::Machine;
use lightloom::ops::case::{complexes, reals};
use lightloom::optics::grid::Grid;
use lightloom::optics::sampling;
use lightloom::optics::transfer::{Transfer, padded_length};
use lightloom::optics::{Element, Optic};
use lightloom::program::{Builder, Data, Role};
use num_complex::Complex;

type Field = Vec<Complex<f64>>;

/// Rounding of an f64 propagation: relative errors of 1e-16 a step over log2 M steps of two
/// transforms, and of the phases of H.
const EXACT: f64 = 1e-12;

/// A scene, and the folder that its files lie in.
struct Scene {
    folder: tempfile::TempDir,
    text: String,
}

impl Scene {
    /// `head` holds the keys of `[optic]` besides its elements.
    fn new(head: &str, elements: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Self { folder, text: format!("[optic]\n{head}\nelement = [{elements}]\n") }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Adds a source given sample by sample.
    fn source(mut self, samples: [usize; 2], field: &[Complex<f64>]) -> Self {
        npy::write_complex128(&self.path("source.npy"), &samples, field)
            .expect("source is written");
        self.text += "source = { kind = \"file\", path = \"source.npy\" }\n";
        self
    }

    /// Adds a file of reals that an element names.
    fn mask(self, name: &str, samples: [usize; 2], values: &[f64]) -> Self {
        npy::write_f64(&self.path(name), &samples, values).expect("mask is written");
        self
    }

    fn optic(&self) -> Optic {
        let folder: &Path = self.folder.path();
        let loaded = load::from_text("scene.toml", &self.text, folder, &[]);
        loaded.unwrap_or_else(|e| panic!("{e:?}\n{}", self.text)).experiment.optic
    }

    /// Every plane by name.
    fn planes(&self, precision: Precision) -> Vec<(String, Field)> {
        self.planes_of(1, precision)
    }

    fn planes_of(&self, seed: u64, precision: Precision) -> Vec<(String, Field)> {
        let mut b = Builder::default();
        let machine = Machine::new(&mut b, &self.optic(), None, 0, seed).expect("machine");
        b.routine("test", 1);
        let light = machine.light(&mut b).expect("light");
        for plane in &light.planes {
            if matches!(b.slot(plane.field).role, Role::Temp) {
                b.output(plane.field, &plane.name);
            }
        }
        let mut cpu = cpu::compile(Arc::new(b.finish()), precision, Some(1)).expect("a thread");
        cpu.run("test", 1).expect("run");
        let read =
            |p: &lightloom::lower::Plane| cpu.read(p.field).expect("read").complexes().to_vec();
        let names: Vec<String> = light.planes.iter().map(|p| p.name.clone()).collect();
        names.into_iter().zip(light.planes.iter().map(read).collect::<Vec<_>>()).collect()
    }

    /// The field behind the last element.
    fn output(&self, precision: Precision) -> Field {
        self.planes(precision).pop().expect("an output plane").1
    }
}

fn step(z: f64) -> String {
    format!("{{ kind = \"free_space\", z = \"{z:e} m\" }}")
}

fn shifted_step(z: f64, [oy, ox]: [f64; 2]) -> String {
    format!("{{ kind = \"free_space\", z = \"{z:e} m\", offset = [\"{oy:e} m\", \"{ox:e} m\"] }}")
}

fn head(wavelength: f64, [py, px]: [f64; 2], [ny, nx]: [usize; 2], more: &str) -> String {
    format!(
        "wavelength = \"{wavelength:e} m\"\npitch = [\"{py:e} m\", \"{px:e} m\"]\nsamples = [{ny}, {nx}]\n{more}"
    )
}

const PERIODIC: &str = "boundary = \"periodic\"";

/// Largest difference over the largest value of `b`.
fn difference(a: &[Complex<f64>], b: &[Complex<f64>]) -> f64 {
    assert_eq!(a.len(), b.len());
    let scale = b.iter().map(|z| z.norm()).fold(0.0, f64::max);
    let worst = a.iter().zip(b).map(|(a, b)| (a - b).norm());
    // `max` drops a NaN, and a NaN must fail.
    assert!(a.iter().all(|z| z.norm().is_finite()), "not finite");
    worst.fold(0.0, f64::max) / scale
}

fn power(field: &[Complex<f64>]) -> f64 {
    field.iter().map(Complex::norm_sqr).sum()
}

#[track_caller]
fn close(what: &str, error: f64, tolerance: f64) {
    println!("physics: {what}: {error:.3e} (at most {tolerance:.1e})");
    assert!(error <= tolerance, "{what}: {error:e} > {tolerance:e}");
}

/// C2.23: H(0) = 1, so a step over nothing is the identity up to rounding.
#[test]
fn no_distance_is_the_identity() {
    for (samples, more) in [([31, 24], PERIODIC), ([31, 24], ""), ([16, 33], "pad = 3.0")] {
        let field = complexes(1, samples[0] * samples[1]);
        let head = head(532e-9, [2e-6, 3e-6], samples, more);
        let scene = Scene::new(&head, &step(0.0)).source(samples, &field);
        close("z = 0", difference(&scene.output(F64), &field), EXACT);
    }
}

fn square(n: usize) -> Field {
    let inside = |i: usize| (n / 4..3 * n / 4).contains(&i);
    (0..n * n).map(|p| f64::from(u8::from(inside(p / n) && inside(p % n))).into()).collect()
}

/// C2.24: H(z) H(-z) = 1 where no wave is evanescent (0.5 um > 532 nm / sqrt 2). In f32 each of
/// four transforms of 2^16 points adds some 16 roundings of 6e-8 in quadrature: 2e-5 is ample and
/// is what chromatix asks.
#[test]
fn there_and_back_is_the_identity() {
    let samples = [256, 256];
    let field = square(256);
    let head = head(532e-9, [0.5e-6; 2], samples, PERIODIC);
    let there_and_back = [step(100e-6), step(-100e-6)].join(", ");
    let scene = Scene::new(&head, &there_and_back).source(samples, &field);
    close("round trip in f64", difference(&scene.output(F64), &field), EXACT);
    close("round trip in f32", difference(&scene.output(F32), &field), 2e-5);
    // One way alone is far from the identity, so the test does test something.
    let one_way = Scene::new(&head, &step(100e-6)).source(samples, &field);
    assert!(difference(&one_way.output(F64), &field) > 0.1);
}

/// C2.25: H(z1) H(z2) = H(z1 + z2). Phases of z / lambda < 1000 turns round to 1000 x 1e-16.
#[test]
fn two_steps_are_one() {
    let samples = [48, 35];
    let field = complexes(2, 48 * 35);
    let head = head(532e-9, [0.5e-6, 0.6e-6], samples, PERIODIC);
    let run = |elements: &[f64]| {
        let elements: Vec<String> = elements.iter().map(|&z| step(z)).collect();
        Scene::new(&head, &elements.join(", ")).source(samples, &field).output(F64)
    };
    close("z1 then z2", difference(&run(&[130e-6, -41e-6]), &run(&[89e-6])), EXACT);
    close("z1 then z2", difference(&run(&[30e-6, 50e-6, 9e-6]), &run(&[89e-6])), EXACT);
}

/// C2.17: a grating of period d is imaged at exactly lambda / (1 - sqrt(1 - lambda^2 / d^2)),
/// where its three orders differ by one whole turn; 2 d^2 / lambda is the paraxial distance, at
/// which exact code must be off by 2.055e-3.
#[test]
fn talbot_images_at_the_exact_distance() {
    let (wavelength, period): (f64, f64) = (500e-9, 2.5e-6);
    let samples = [2, 256];
    let pitch = [1e-6, 4.0 * period / 256.0];
    let field: Field = (0..2 * 256)
        .map(|p| (1.0 + 0.5 * (TAU * 4.0 * (p % 256) as f64 / 256.0).cos()).into())
        .collect();
    let exact = wavelength / (1.0 - (1.0 - (wavelength / period).powi(2)).sqrt());
    assert!((exact - 24.747_448_71e-6).abs() < 1e-14);
    let intensity_error = |z: f64| {
        let head = head(wavelength, pitch, samples, PERIODIC);
        let out = Scene::new(&head, &step(z)).source(samples, &field).output(F64);
        let errors = out.iter().zip(&field).map(|(a, b)| (a.norm_sqr() - b.norm_sqr()).abs());
        errors.fold(0.0, f64::max)
    };
    close("Talbot at the exact distance", intensity_error(exact), EXACT);
    // Half a unit of the last digit that PEERS gives.
    let paraxial = intensity_error(2.0 * period * period / wavelength);
    close("Talbot at the paraxial distance", (paraxial - 2.055e-3).abs(), 0.5e-6);
}

/// C2.2: Rayleigh-Sommerfeld I on the axis behind a hole of radius a, exact:
/// I = |1 - (z/r) exp(ik(r - z))|^2, r^2 = a^2 + z^2.
///
/// Samples are averages over cells of width dx, so the edge wave, whose frequency along the
/// radius is f = a / (lambda r), is scaled by 1 - (pi f dx)^2 / 6 (the mean over directions of
/// sinc(f dx cos) sinc(f dx sin)).
///
/// What is left is the hard rim of the band limit, whose own wave reaches the axis: over sizes
/// from 281 to 561 samples it was up to 2.4e-2 of the edge wave at pad 2, 3e-3 at pad 4, where the
/// rim lies at four times the angle of the hole's edge, and 1.5e-3 at pad 6, which is taken here.
/// An error r of the edge wave changes I by 2 r / sqrt(I) <= 1.4 r of itself, hence 2e-3.
#[test]
fn light_on_the_axis_of_a_hole() {
    // a, z, wavelength, samples across, I to the digits of PEERS.
    let rows = [
        (10e-6, 20e-6, 0.5e-6, 381, 2.120_176),
        (50e-6, 500e-6, 0.532e-6, 401, 2.750_993),
        (1e-3, 0.5, 633e-9, 141, 3.753_953),
    ];
    for (a, z, wavelength, n, table) in rows {
        let r = f64::hypot(a, z);
        let closed = |edge: f64| {
            let turn = Complex::cis(TAU * ((r - z) / wavelength).fract());
            (1.0 - edge * z / r * turn).norm_sqr()
        };
        assert!((closed(1.0) - table).abs() < 1e-6, "{}", closed(1.0));
        // The hole fills all but a few samples of the window: what lies outside is black.
        let dx = 2.0 * a / (n as f64 - 5.0);
        let f = a / (wavelength * r);
        assert!(f * dx <= 0.0505, "the edge wave is sampled too coarsely: {}", f * dx);
        let biased = closed(1.0 - (PI * f * dx).powi(2) / 6.0);
        let head = head(wavelength, [dx; 2], [n, n], "pad = 6.0");
        let size = format!("{:e} m", 2.0 * a);
        let hole = format!("{{ kind = \"aperture\", shape = \"circle\", size = \"{size}\" }}");
        let out = Scene::new(&head, &[hole, step(z)].join(", ")).output(F64);
        let found = out[(n / 2) * n + n / 2].norm_sqr();
        println!("a {a:e}: I {found:.6}, closed {:.6}, with cells {biased:.6}", closed(1.0));
        close("on axis", (found - biased).abs() / biased, 2e-3);
    }
}

/// C2.27: padding is zeros. An N window padded to 4 N and a 2 N window of the same field among
/// explicit zeros padded to 4 N are the same cyclic convolution, in which the field lies
/// elsewhere; convolution does not see where, so the windows agree.
#[test]
fn padding_is_explicit_zeros() {
    for samples in [[20usize, 12], [25, 16]] {
        let [ny, nx] = samples;
        let field = complexes(3, ny * nx);
        let doubled = [2 * ny, 2 * nx];
        let corner = [ny / 2 + 1, nx / 2 - 2];
        let mut embedded = vec![Complex::ZERO; 4 * ny * nx];
        for y in 0..ny {
            let at = (corner[0] + y) * doubled[1] + corner[1];
            embedded[at..][..nx].copy_from_slice(&field[y * nx..][..nx]);
        }
        let pitch = [2e-6, 1.5e-6];
        let run = |samples: [usize; 2], pad: &str, field: &[Complex<f64>]| {
            let scene = Scene::new(&head(532e-9, pitch, samples, pad), &step(60e-6));
            let scene = scene.source(samples, field);
            (scene.optic().padded(), scene.output(F64))
        };
        let (padded, small) = run(samples, "pad = 4.0", &field);
        let (same, large) = run(doubled, "pad = 2.0", &embedded);
        assert_eq!(padded, same);
        let window: Field = (0..ny * nx)
            .map(|p| large[(corner[0] + p / nx) * doubled[1] + corner[1] + p % nx])
            .collect();
        close("explicit zeros", difference(&small, &window), EXACT);
    }
}

/// A field `[n, n]` turned about sample `c`: x <-> -x (cyclic), y <-> -y, and x <-> y.
fn asymmetry(field: &[Complex<f64>], n: usize, c: [usize; 2]) -> f64 {
    let about = |y: usize, x: usize| field[(c[0] + y) % n * n + (c[1] + x) % n];
    let mut worst = 0.0f64;
    for y in 0..n {
        for x in 0..n {
            let here = about(y, x);
            for there in [about(y, n - x), about(n - y, x), about(x, y)] {
                worst = worst.max((here - there).norm());
            }
        }
    }
    worst / field.iter().map(|z| z.norm()).fold(0.0, f64::max)
}

/// C2.31: the kernel of free space is even in x and y and does not change when they swap, for
/// even and odd N. A shift of the transform by one sample, or along the wrong axis, shows here.
#[test]
fn the_kernel_is_symmetric() {
    for n in [24usize, 25] {
        for c in [[n / 2, n / 2], [3, 7], [0, n - 1]] {
            let mut field = vec![Complex::ZERO; n * n];
            field[c[0] * n + c[1]] = Complex::new(0.6, -0.8);
            let head = head(532e-9, [1e-6; 2], [n, n], PERIODIC);
            let out = Scene::new(&head, &step(20e-6)).source([n, n], &field).output(F64);
            // Light has left the sample.
            assert!(out[c[0] * n + c[1]].norm_sqr() < 0.5 * power(&out));
            close("one sample", asymmetry(&out, n, c), EXACT);
        }
    }
}

/// C2.31 on a batch of different images: each sample's light spreads about its own point.
#[test]
fn the_kernel_is_symmetric_in_a_batch() {
    for n in [24usize, 25] {
        let input = format!("{PERIODIC}\ninput = {{ encoding = \"amplitude\", aperture = 1.0 }}");
        let scene = Scene::new(&head(532e-9, [1e-6; 2], [n, n], &input), &step(20e-6));
        let centres = [[n / 2, n / 2], [3, 7], [0, n - 1], [n - 2, 5], [1, 1]];
        let mut b = Builder::default();
        let machine = Machine::new(&mut b, &scene.optic(), Some([n, n]), 2, 1).expect("machine");
        b.routine("test", centres.len());
        let light = machine.light(&mut b).expect("light");
        b.output(light.leaving, "leaving");
        let mut images = vec![0.0; centres.len() * n * n];
        for (image, c) in images.chunks_mut(n * n).zip(centres) {
            image[c[0] * n + c[1]] = 1.0;
        }
        let mut cpu = cpu::compile(Arc::new(b.finish()), F64, Some(2)).expect("threads");
        cpu.write(machine.image.expect("an image"), &Data::Real(images)).expect("write");
        cpu.run("test", centres.len()).expect("run");
        let out = cpu.read(light.leaving).expect("read");
        for (field, c) in out.complexes().chunks(n * n).zip(centres) {
            close("one sample of a batch", asymmetry(field, n, c), EXACT);
        }
    }
}

/// C2.41: 1 / (lambda sqrt((2 z / W)^2 + 1)), W the padded width (Matsushima 2009, eq. 13), to
/// half a unit of the last digit of PEERS; and the same limit in `passes` along each axis.
#[test]
fn band_limits() {
    let (wavelength, pitch) = (532e-9, 8e-6);
    let rows = [(0.1, 153_471.0, 0.5), (0.5, 30_792.86, 0.005), (1.0, 15_397.98, 0.005)];
    for (z, table, digit) in rows {
        let limit = Transfer::axis_limit(wavelength, z, 2048.0 * pitch);
        close("band limit", (limit - table).abs(), digit);
        for z in [z, -z] {
            let transfer = Transfer {
                wavelength,
                pitch: [pitch; 2],
                padded: [2048; 2],
                z,
                offset: [0.0; 2],
                band_limit: true,
                designed: None,
            };
            for sign in [1.0, -1.0] {
                let (inside, outside) = (sign * limit * (1.0 - 1e-9), sign * limit * (1.0 + 1e-9));
                assert!(transfer.passes(0.0, inside) && transfer.passes(inside, 0.0));
                assert!(!transfer.passes(0.0, outside) && !transfer.passes(outside, 0.0));
                assert!(Transfer { band_limit: false, ..transfer }.passes(0.0, outside));
            }
        }
    }
}

/// A Gaussian beam at z from its waist (Saleh and Teich, eq. 3.1-7, conjugated to exp(+ikz)).
fn gaussian(w0: f64, wavelength: f64, z: f64, r2: f64) -> Complex<f64> {
    let rayleigh = PI * w0 * w0 / wavelength;
    // 1 / q with q = z - i zR; the field is q0 / q exp(ikz + ik r^2 / 2q).
    let q = Complex::new(z, -rayleigh);
    let bend = Complex::i() * PI * r2 / (wavelength * q);
    Complex::new(0.0, -rayleigh) / q * bend.exp() * Complex::cis(TAU * (z / wavelength).fract())
}

/// C2.3 and C2.6: the paraxial beam. What it leaves out is of the phase k z theta^4 / 8 with
/// theta = lambda / (pi w0): 1e-10 here; k z itself rounds to 4e-10. The window of 6 w cuts at
/// exp(-36).
#[test]
fn a_gaussian_beam_spreads() {
    // Waist, wavelength, z, and the radius and the full width at half maximum there.
    let rows: [(f64, f64, f64, f64); 2] =
        [(1.5e-3, 660e-9, 0.2, 1.500_261_52e-3), (1e-3, 500e-9, 0.5, 1.003_161_3e-3)];
    for (w0, wavelength, z, w) in rows {
        let n = 192;
        let pitch = 12.0 * w0 / n as f64;
        let more = format!("{PERIODIC}\nsource = {{ kind = \"gaussian\", waist = \"{w0:e} m\" }}");
        let scene = Scene::new(&head(wavelength, [pitch; 2], [n, n], &more), &step(z));
        let grid = scene.optic().grid();
        let out = scene.output(F64);
        let expected = grid.map(|y, x| gaussian(w0, wavelength, z, x * x + y * y));
        close("Gaussian field", difference(&out, &expected), 2e-9);
        // w^2 = 4 <x^2>; half a unit of the eighth digit, which the second radius is given to.
        let moment: f64 =
            grid.map(|_, x| x * x).iter().zip(&out).map(|(x, u)| x * u.norm_sqr()).sum();
        let found = 2.0 * (moment / power(&out)).sqrt();
        close("Gaussian radius", (found - w).abs() / w, 5e-8);
        if w0 == 1.5e-3 {
            let fwhm = found * (2.0 * 2f64.ln()).sqrt();
            close("Gaussian FWHM", (fwhm - 1.766_422_95e-3).abs() / fwhm, 1e-8);
        }
        // The source's own z is the same beam.
        let more = format!(
            "{PERIODIC}\nsource = {{ kind = \"gaussian\", waist = \"{w0:e} m\", z = \"{z:e} m\" }}"
        );
        let scene = Scene::new(&head(wavelength, [pitch; 2], [n, n], &more), &step(0.0));
        close("Gaussian source", difference(&scene.output(F64), &expected), 2e-9);
    }
}

/// How far open space reaches: the band of a window padded to P holds P^2 / (lambda z) samples, and
/// with few of them H is no chirp any more. Below 8 every beam is more than a tenth wrong, the widest
/// that fits the window too; from 32 on the narrow one is at most 0.17 off, from 96 on right to 1 %.
/// The paraxial form leaves out k z theta^4 / 8 < 3e-3 rad, and the window cuts the wide beam at
/// exp(-6).
#[test]
fn a_far_field_needs_samples_in_its_band() {
    let (n, pitch, wavelength) = (96, 8e-6, 532e-9);
    let width = n as f64 * pitch;
    let error = |waist: f64, samples: f64| {
        let (w0, padded) = (waist * width, 2 * n);
        let z = (padded as f64 * pitch).powi(2) / (samples * wavelength);
        let transfer = Transfer {
            wavelength,
            pitch: [pitch; 2],
            padded: [padded; 2],
            z,
            offset: [0.0; 2],
            band_limit: true,
            designed: None,
        };
        close("samples", (transfer.band_samples()[0] / samples - 1.0).abs(), EXACT);
        let grid = Grid { samples: [n, n], pitch: [pitch; 2] };
        let light = |z| grid.map(|y, x| gaussian(w0, wavelength, z, x * x + y * y));
        let (found, expected) = (sampling::propagate(&light(0.0), [n, n], &transfer), light(z));
        let apart: Field = found.iter().zip(&expected).map(|(a, b)| a - b).collect();
        (power(&apart) / power(&expected)).sqrt()
    };
    let (wide, narrow) = (0.2, 0.03);
    for (samples, least) in [(1.0, 1.2), (4.0, 0.4), (7.9, 0.12)] {
        for waist in [wide, narrow] {
            let found = error(waist, samples);
            assert!(found > least, "a waist of {waist} W at {samples}: {found}");
        }
    }
    close("32 samples, narrow", error(narrow, 32.0), 0.17);
    close("96 samples, narrow", error(narrow, 96.0), 1e-2);
    close("32 samples, wide", error(wide, 32.0), 2e-3);
    // What the file may ask for: the axis that is worse decides, and a periodic window has no band.
    let check = |samples: [usize; 2], z: f64, more: &str| {
        let scene = Scene::new(&head(wavelength, [pitch; 2], samples, more), &step(z));
        load::from_text("scene.toml", &scene.text, scene.folder.path(), &[])
    };
    let at = |samples: f64| (192.0 * pitch).powi(2) / (samples * wavelength);
    assert!(check([96, 96], at(7.9), "").is_err() && check([192, 96], at(7.9), "").is_err());
    assert!(check([96, 96], at(7.9), "pad = 3.0").is_ok());
    let warnings = |z: f64, more: &str| check([96, 192], z, more).expect("a scene").warnings;
    let said = warnings(at(8.1), "");
    assert!(said.len() == 1 && said[0].contains("along y"), "{said:?}");
    assert!(warnings(at(32.1), "").is_empty() && warnings(at(0.1), PERIODIC).is_empty());
}

/// C2.8: a lens images a waist to a waist. The paraxial form leaves out k z theta^4 / 8 = 7e-6
/// rad and aberrations of the same size; the window of 6 w at the lens cuts at exp(-36).
#[test]
fn a_lens_makes_a_new_waist() {
    let (w0, wavelength, before, f) = (100e-6f64, 830e-9, 78e-3, 50e-3);
    let rayleigh = PI * w0 * w0 / wavelength;
    let m2 = f * f / (f64::powi(before - f, 2) + rayleigh * rayleigh);
    let (waist, behind) = (w0 * m2.sqrt(), f + m2 * (before - f));
    assert!((waist - 1.061_989_749e-4).abs() < 1e-13, "{waist}");
    assert!((before + behind - 0.159_579_022).abs() < 1e-9, "{behind}");
    let n = 288;
    let more = format!("{PERIODIC}\nsource = {{ kind = \"gaussian\", waist = \"{w0:e} m\" }}");
    let lens = format!("{{ kind = \"lens\", f = \"{f:e} m\" }}");
    let elements = [step(50e-3), step(28e-3), lens, step(behind)].join(", ");
    let scene = Scene::new(&head(wavelength, [10e-6; 2], [n, n], &more), &elements);
    let grid = scene.optic().grid();
    let mut out = scene.output(F64);
    // Without the phase on the axis; a waist is flat, so what is left is real.
    let axis = out[(n / 2) * n + n / 2];
    for u in &mut out {
        *u *= axis.conj() / axis.norm();
    }
    let expected =
        grid.map(|y, x| Complex::from(w0 / waist * (-(x * x + y * y) / (waist * waist)).exp()));
    close("a new waist", difference(&out, &expected), 2e-5);
    let moment: f64 = grid.map(|_, x| x * x).iter().zip(&out).map(|(x, u)| x * u.norm_sqr()).sum();
    let found = 2.0 * (moment / power(&out)).sqrt();
    close("its radius", (found - waist).abs() / waist, 2e-5);
}

/// J0 by its power series, to 1e-16 for |x| <= pi.
fn j0(x: f64) -> f64 {
    let mut term = 1.0;
    let mut sum = 1.0;
    for k in 1..30 {
        term *= -(x / 2.0).powi(2) / f64::from(k * k);
        sum += term;
    }
    sum
}

/// Share of the power in order 0 behind a phase grating and one step of free space.
fn order_zero(phases: &[f64]) -> f64 {
    let samples = [2, phases.len()];
    let mask = "{ kind = \"phase_mask\", file = \"grating.npy\", trainable = false }";
    let elements = format!("{mask}, {}", step(300e-6));
    let scene = Scene::new(&head(532e-9, [2e-6; 2], samples, PERIODIC), &elements);
    let out = scene.mask("grating.npy", samples, &phases.repeat(2)).output(F64);
    (out.iter().sum::<Complex<f64>>() / out.len() as f64).norm_sqr()
        / (power(&out) / out.len() as f64)
}

/// C2.35: exp(i a sin) sends `J_m(a)^2` into order m, so 1 - J0(a)^2 leaves order 0. With 32
/// samples a period the first alias is `J_32(pi)` = 1e-29; free space moves no power between orders.
#[test]
fn a_sinusoidal_grating_diffracts() {
    assert!((1.0 - j0(PI / 2.0).powi(2) - 0.777_215).abs() < 5e-7);
    assert!((1.0 - j0(PI).powi(2) - 0.907_437).abs() < 5e-7);
    let mut worst = 0.0f64;
    for k in 0..=30 {
        let a = PI * f64::from(k) / 30.0;
        let phases: Vec<f64> = (0..128).map(|i| a * (TAU * f64::from(i) / 32.0).sin()).collect();
        worst = worst.max((order_zero(&phases) - j0(a).powi(2)).abs());
    }
    close("sinusoidal grating", worst, EXACT);
    // A square grating of +-pi/2 is +-i, whose mean is 0.
    let square: Vec<f64> = (0..128).map(|i| if i / 8 % 2 == 0 { PI } else { -PI } / 2.0).collect();
    close("square grating", order_zero(&square), 1e-15);
}

/// |H| = 1 where nothing is evanescent, masks of phase are unitary, and a periodic window loses
/// nothing: power stays to rounding.
#[test]
fn a_periodic_window_keeps_power() {
    let samples = [30, 49];
    let field = complexes(4, 30 * 49);
    let mask = "{ kind = \"phase_mask\", init = \"random\" }";
    let lens = "{ kind = \"lens\", f = \"1 mm\" }";
    let elements = [&step(50e-6), mask, &step(3e-3), lens, &step(-70e-6)].join(", ");
    let scene = Scene::new(&head(532e-9, [0.9e-6, 0.7e-6], samples, PERIODIC), &elements);
    let out = scene.source(samples, &field).output(F64);
    close("power", (power(&out) / power(&field) - 1.0).abs(), EXACT);
}

/// C2.32: exp(-i phi) exp(i phi) = 1 to the rounding of two products.
#[test]
fn a_lens_and_its_inverse_are_nothing() {
    let samples = [40, 33];
    let field = complexes(5, 40 * 33);
    let lens = |f: f64| format!("{{ kind = \"lens\", f = \"{f:e} m\" }}");
    let scene = |elements: &[String]| {
        let head = head(532e-9, [4e-6, 3e-6], samples, PERIODIC);
        Scene::new(&head, &elements.join(", ")).source(samples, &field)
    };
    let both = scene(&[lens(5e-3), lens(-5e-3)]).output(F64);
    close("lens and inverse", difference(&both, &field), 1e-15);
    let one = scene(&[lens(5e-3)]).output(F64);
    assert!(difference(&one, &field) > 0.1);
}

/// C2.28: an output plane offset by whole samples shows the shifted field. In a periodic window
/// that is exact and cyclic.
#[test]
fn an_offset_is_a_translation() {
    let samples = [36usize, 25];
    let [ny, nx] = samples;
    let field = complexes(6, ny * nx);
    let pitch = [2e-6, 3e-6];
    let head = head(532e-9, pitch, samples, PERIODIC);
    let straight = Scene::new(&head, &step(200e-6)).source(samples, &field).output(F64);
    for [dy, dx] in [[10i32, -7], [-36, 3], [0, 24], [-5, 0]] {
        let offset = [f64::from(dy) * pitch[0], f64::from(dx) * pitch[1]];
        let elements = shifted_step(200e-6, offset);
        let out = Scene::new(&head, &elements).source(samples, &field).output(F64);
        // A point at x lands at x - offset.
        let moved = |i: usize, d: i32, n: usize| (i as i32 + d).rem_euclid(n as i32) as usize;
        let expected: Field = (0..ny * nx)
            .map(|p| straight[moved(p / nx, dy, ny) * nx + moved(p % nx, dx, nx)])
            .collect();
        close("offset", difference(&out, &expected), EXACT);
    }
}

/// C2.28 in open space: a window that stands aside sees what the same part of a window twice as
/// wide sees. Where the two wrap and where their bands end lies beyond 7 w, at exp(-49); what
/// differs is the source, cut at 4.8 w in the narrow window: exp(-23) = 1e-10.
#[test]
fn an_offset_window_sees_the_light_beside() {
    let samples = [64usize, 48];
    let [ny, nx] = samples;
    let (w, wavelength, pitch, z) = (20e-6, 532e-9, 4e-6, 1e-3);
    let offset = [12i32, -9];
    let light = |samples: [usize; 2]| -> Field {
        let at = |i: usize, n: usize| (i as f64 - (n as f64 - 1.0) / 2.0) * pitch;
        (0..samples[0] * samples[1])
            .map(|p| {
                let (y, x) = (at(p / samples[1], samples[0]), at(p % samples[1], samples[1]));
                (-(x * x + y * y) / (w * w)).exp().into()
            })
            .collect()
    };
    let by = offset.map(|d| f64::from(d) * pitch);
    let run = |samples: [usize; 2], elements: &str| {
        let head = head(wavelength, [pitch; 2], samples, "");
        Scene::new(&head, elements).source(samples, &light(samples)).output(F64)
    };
    let aside = run(samples, &shifted_step(z, by));
    let wide = run([2 * ny, 2 * nx], &step(z));
    let row = |y: usize| (y as i32 + ny as i32 / 2 + offset[0]) as usize;
    let column = |x: usize| (x as i32 + nx as i32 / 2 + offset[1]) as usize;
    let expected: Field =
        (0..ny * nx).map(|p| wide[row(p / nx) * 2 * nx + column(p % nx)]).collect();
    close("a window aside", difference(&aside, &expected), 1e-9);
}

/// H(-z) = conj H(z) and H is even, so U(-z) E = conj(U(z) conj(E)), evanescent waves and padding
/// included.
#[test]
fn a_negative_distance_conjugates() {
    for (samples, pitch, more) in
        [([30, 21], [2e-6, 1e-6], ""), ([24, 24], [0.2e-6, 0.3e-6], PERIODIC)]
    {
        let field = complexes(7, samples[0] * samples[1]);
        let conjugate: Field = field.iter().map(Complex::conj).collect();
        let run = |z: f64, field: &[Complex<f64>]| {
            let head = head(532e-9, pitch, samples, more);
            Scene::new(&head, &step(z)).source(samples, field).output(F64)
        };
        let forward: Field = run(40e-6, &conjugate).iter().map(Complex::conj).collect();
        close("negative z", difference(&run(-40e-6, &field), &forward), EXACT);
    }
}

/// E(x) as the sum over plane waves that it is, one axis after the other, without a fast transform:
/// what [`sampling::propagate`] and the program, which share `rustfft`, must both give.
fn summed(field: &[Complex<f64>], [ny, nx]: [usize; 2], transfer: &Transfer) -> Field {
    let [my, mx] = transfer.padded;
    let wave = |k: usize, i: usize, m: usize| Complex::cis(TAU * (k * i % m) as f64 / m as f64);
    let mut rows: Field = vec![Complex::ZERO; ny * mx];
    for (p, out) in rows.iter_mut().enumerate() {
        let (y, kx) = (p / mx, p % mx);
        *out = (0..nx).map(|x| field[y * nx + x] * wave(kx, x, mx).conj()).sum();
    }
    let table = transfer.table();
    let mut columns: Field = vec![Complex::ZERO; ny * mx];
    for kx in 0..mx {
        for ky in 0..my {
            let sum: Complex<f64> =
                (0..ny).map(|y| rows[y * mx + kx] * wave(ky, y, my).conj()).sum();
            let sum = sum * table[ky * mx + kx] / (mx * my) as f64;
            for y in 0..ny {
                columns[y * mx + kx] += sum * wave(ky, y, my);
            }
        }
    }
    (0..ny * nx)
        .map(|p| (0..mx).map(|kx| columns[p / nx * mx + kx] * wave(kx, p % nx, mx)).sum())
        .collect()
}

/// The program's passes against plain code that shares none with them: non-square grids,
/// pitches, offsets, padded lengths with every radix, both boundaries.
#[test]
fn the_program_follows_plain_code() {
    let rows = [
        ([16usize, 12], [2e-6, 3e-6], [0.0, 0.0], ""),
        ([33, 20], [2e-6, 1.5e-6], [7.3e-6, -4.1e-6], "pad = 2.1"),
        ([1, 50], [40e-6, 2e-6], [0.0, 11e-6], "pad = 3.0"),
        ([45, 7], [1e-6, 5e-6], [-6e-6, 2e-6], PERIODIC),
        // (14.4 um)^2 = 8 lambda z at 48 um.
        ([35, 36], [0.3e-6, 0.2e-6], [0.5e-6, 0.25e-6], ""),
    ];
    for (samples, pitch, offset, more) in rows {
        let field = complexes(8, samples[0] * samples[1]);
        let far = if pitch[1] < 1e-6 { 45e-6 } else { 150e-6 };
        for z in [far, -20e-6] {
            let head = head(532e-9, pitch, samples, more);
            let scene = Scene::new(&head, &shifted_step(z, offset)).source(samples, &field);
            let optic = scene.optic();
            let Element::FreeSpace(step) = &optic.element[0] else { panic!("a step") };
            let plain = sampling::propagate(&field, samples, &optic.transfer(step));
            assert!(power(&plain) > 0.0);
            close("plain code", difference(&scene.output(F64), &plain), EXACT);
            let summed = summed(&field, samples, &optic.transfer(step));
            close("sum over plane waves", difference(&plain, &summed), EXACT);
        }
    }
}

/// What the sampling report does not call clipped, evanescent or gone comes out, and its padding error
/// is that of plain code; a step whose transforms would take more than a GiB is left alone.
#[test]
fn the_sampling_report_adds_up() {
    let (samples, z) = ([24, 20], 30e-6);
    let of = |samples| {
        Scene::new(&head(532e-9, [0.4e-6, 0.3e-6], samples, ""), &shifted_step(z, [0.0; 2])).optic()
    };
    let (optic, field) = (of(samples), complexes(9, samples[0] * samples[1]));
    let Element::FreeSpace(step) = &optic.element[0] else { panic!("a step") };
    let report = sampling::report(&optic, std::slice::from_ref(&field)).remove(0);
    let shares = report.shares.expect("it is measured");
    let all = [shares.clipped_by_band, shares.evanescent, shares.leaves_window];
    assert!(all.iter().all(|share| (0.0..=1.0).contains(share)), "{shares:?}");
    assert!(shares.clipped_by_band > 0.0 && shares.leaves_window > 0.0, "{shares:?}");
    let transfer = optic.transfer(step);
    let out = sampling::propagate(&field, samples, &transfer);
    let stays = 1.0 - all.iter().sum::<f64>();
    close("what stays", (stays - power(&out) / power(&field)).abs(), EXACT);
    let padded = samples.map(|n| padded_length(n, 2.0 * optic.pad));
    let more = sampling::propagate(&field, samples, &Transfer { padded, ..transfer });
    let apart: Field = out.iter().zip(&more).map(|(a, b)| a - b).collect();
    let error = (power(&apart) / power(&more)).sqrt();
    close("padding error", (report.padding_error.expect("it is computed") - error).abs(), EXACT);
    let large = sampling::report(&of([8192, 8192]), &[Field::new()]).remove(0);
    assert!(large.shares.is_none() && large.padding_error.is_none(), "{large:?}");
    assert!(large.to_string().contains("not measured"), "{large}");
}

/// Masks multiply, in order: amplitude then phase, from files, trainable or not.
#[test]
fn masks_multiply() {
    let samples = [9, 14];
    let n = 9 * 14;
    let field = complexes(9, n);
    let phases: Vec<f64> = reals(10, n).iter().map(|p| 4.0 * p).collect();
    let amplitudes: Vec<f64> = reals(11, n).iter().map(|a| 0.5 + 0.5 * a).collect();
    for trainable in [false, true] {
        let mask = |kind: &str, file: &str| {
            format!("{{ kind = \"{kind}\", file = \"{file}\", trainable = {trainable} }}")
        };
        let elements = [mask("amplitude_mask", "a.npy"), mask("phase_mask", "p.npy")].join(", ");
        let scene = Scene::new(&head(532e-9, [2e-6; 2], samples, ""), &elements)
            .source(samples, &field)
            .mask("a.npy", samples, &amplitudes)
            .mask("p.npy", samples, &phases);
        let expected: Field =
            (0..n).map(|i| field[i] * amplitudes[i] * Complex::cis(phases[i])).collect();
        // Two products and an own exp(i phi), an ulp or two each.
        close("masks", difference(&scene.output(F64), &expected), 1e-15);
    }
}

/// A vector of 9 on 16 guides lights the first 9, whatever encodes it, with the power that is said:
/// what a device's photons are counted against.
#[test]
fn a_vector_leaves_the_other_guides_dark() {
    let scene = |input: &str| {
        let text = "wavelength = \"1.55 um\"\nmodes = 16\n";
        Scene::new(&format!("{text}input = {{ {input} }}"), "{ kind = \"mesh\" }")
    };
    for encoding in ["amplitude", "phase", "both"] {
        for (power, more) in [(9.0, ""), (4.0, ", power = 4.0")] {
            let scene = scene(&format!("encoding = \"{encoding}\"{more}"));
            let mut b = Builder::default();
            let machine =
                Machine::new(&mut b, &scene.optic(), Some([1, 9]), 2, 1).expect("machine");
            close("budget", (machine.source_power().expect("power") - power).abs(), EXACT);
            b.routine("test", 1);
            let light = machine.light(&mut b).expect("light");
            b.output(light.entering, "entering");
            let mut cpu = cpu::compile(Arc::new(b.finish()), F64, Some(1)).expect("a thread");
            // Where the data are at their brightest.
            let image = machine.image.expect("an image");
            cpu.write(image, &Data::Real(vec![1.0; 9])).expect("write");
            cpu.run("test", 1).expect("run");
            let found = cpu.read(light.entering).expect("read").complexes().to_vec();
            assert!(found[9..].iter().all(|z| z.norm() == 0.0), "{encoding}: {found:?}");
            close("power", (self::power(&found) - power).abs(), EXACT);
        }
    }
}

/// A mask that is drawn and does not train is another for every seed, as one that trains is: exp(i phi)
/// of uniform phases, two of which agree by chance to 1 / sqrt(126).
#[test]
fn a_frozen_mask_follows_the_seed() {
    let samples = [9, 14];
    let mask = |more: &str| format!("{{ kind = \"phase_mask\", init = \"random\"{more} }}");
    let output = |seed: u64, more: &str| {
        let scene = Scene::new(&head(532e-9, [2e-6; 2], samples, ""), &mask(more));
        let [.., (_, field)] = &scene.planes_of(seed, F64)[..] else { panic!("an output plane") };
        field.clone()
    };
    let frozen = |seed: u64| output(seed, ", trainable = false");
    assert_eq!(frozen(1), frozen(1));
    let alike =
        |a: &Field, b: &Field| a.iter().zip(b).map(|(a, b)| a * b.conj()).sum::<Complex<f64>>();
    assert!(alike(&frozen(1), &frozen(2)).norm() / 126.0 < 0.4);
    close("frozen or not", difference(&frozen(2), &output(2, "")), 1e-15);
}

/// A geometry that training moved is the geometry itself: z + lambda d, pitch (1 + e), offset +
/// pitch u, in a periodic window without evanescent waves, where H has no edge to move. Phases of
/// z / lambda = 200 turns round to 1e-13.
#[test]
fn a_moved_geometry_is_the_geometry() {
    let samples = [18, 25];
    let (wavelength, pitch, offset, z) = (532e-9, [1e-6, 1.5e-6], [2.2e-6, -0.7e-6], 100e-6);
    let field = complexes(12, samples[0] * samples[1]);
    let elements =
        shifted_step(z, offset).replace(" }", ", trainable = [\"z\", \"pitch\", \"offset\"] }");
    let scene = Scene::new(&head(wavelength, pitch, samples, PERIODIC), &elements);
    let scene = scene.source(samples, &field);
    let mut b = Builder::default();
    let machine = Machine::new(&mut b, &scene.optic(), None, 0, 1).expect("machine");
    b.routine("test", 1);
    let light = machine.light(&mut b).expect("light");
    b.output(light.leaving, "leaving");
    let mut cpu = cpu::compile(Arc::new(b.finish()), F64, Some(1)).expect("a thread");
    let rows = [
        [0.0; 4],
        [3.7, 0.0, 0.0, 0.0],
        [0.0, 0.03, 0.0, 0.0],
        [0.0, -0.02, 1.4, 0.0],
        [-2.1, 0.01, -0.3, 0.6],
    ];
    for geometry in rows {
        cpu.write(machine.trainable[0].slot, &Data::Real(geometry.to_vec())).expect("write");
        cpu.run("test", 1).expect("run");
        let found = cpu.read(light.leaving).expect("read").complexes().to_vec();
        let [d, e, uy, ux] = geometry;
        let moved = Transfer {
            wavelength,
            pitch: pitch.map(|p| p * (1.0 + e)),
            padded: samples,
            z: z + wavelength * d,
            offset: [offset[0] + pitch[0] * uy, offset[1] + pitch[1] * ux],
            band_limit: false,
            designed: None,
        };
        let expected = sampling::propagate(&field, samples, &moved);
        close("moved geometry", difference(&found, &expected), EXACT);
    }
    // Another wavelength is another geometry.
    let step = Transfer {
        wavelength,
        pitch,
        padded: samples,
        z,
        offset,
        band_limit: false,
        designed: None,
    };
    for w in [0.01, -0.003] {
        let geometry = step.by_wavelength().map(|g| w * g);
        cpu.write(machine.trainable[0].slot, &Data::Real(geometry.to_vec())).expect("write");
        cpu.run("test", 1).expect("run");
        let found = cpu.read(light.leaving).expect("read").complexes().to_vec();
        let other = Transfer { wavelength: wavelength / (1.0 - w), ..step };
        let expected = sampling::propagate(&field, samples, &other);
        close("another wavelength", difference(&found, &expected), EXACT);
    }
}
