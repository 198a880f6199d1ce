//! What vaccination draws: the faults of a list anew every step, each as large as the list says, the
//! same again from the same seed; and what it leaves alone.

use std::path::Path;
use std::sync::Arc;

use lightloom::backend::{Executor, Precision, cpu};
use lightloom::experiment::{Experiment, load};
use lightloom::lower::device::builds;
use lightloom::lower::{Chance, Device, Machine};
use lightloom::methods::{self, Pair, backprop, step};
use lightloom::ops::Op;
use lightloom::ops::case::reals;
use lightloom::ops::count::Count;
use lightloom::ops::leaf_sum::LeafSum;
use lightloom::optics::Hardware;
use lightloom::optics::element::{Element, PhaseMask};
use lightloom::optics::grid::Grid;
use lightloom::optics::hardware::{ABERRATIONS, Alignment, MaskFaults, corners};
use lightloom::optics::mesh::{C, Imperfections, Mesh, Topology};
use lightloom::optics::zernike::zernike;
use lightloom::program::{Builder, Data, Role, Shape, SlotId};

const GRID: Grid = Grid { samples: [16, 12], pitch: [2e-6, 3e-6] };
const WAVELENGTH: f64 = 532e-9;

/// Something drawn every step, and what it comes to.
struct Drawn {
    executor: Box<dyn Executor>,
    slots: Vec<SlotId>,
}

impl Drawn {
    /// `emit` makes the slots that are read.
    fn new(
        hardware: Hardware,
        seed: u64,
        emit: impl FnOnce(&mut Builder, &Device) -> Vec<SlotId>,
    ) -> Self {
        let mut b = Builder::default();
        let shot = b.state("shot", Shape::index(&[1]), Data::Index(vec![0]));
        let device = Device { hardware, chance: Chance::Redrawn(seed), shot, exposure: 0 };
        b.routine("step", 1);
        let slots = emit(&mut b, &device);
        for (n, &slot) in slots.iter().enumerate() {
            // A mask that is not turned shows what it is told.
            if matches!(b.slot(slot).role, Role::Temp) {
                b.output(slot, &format!("out.{n}"));
            }
        }
        b.emit_into(Op::Count(Count), &[], &[shot]).expect("a counter");
        let program = Arc::new(b.finish());
        let executor = cpu::compile(program, Precision::F64, Some(1)).expect("a thread");
        Self { executor, slots }
    }

    fn step(&mut self) -> Vec<Vec<f64>> {
        self.executor.run("step", 1).expect("a step");
        let read = |&s: &SlotId| self.executor.read(s).expect("numbers").reals().to_vec();
        self.slots.iter().map(read).collect()
    }
}

fn mask() -> PhaseMask {
    let text = "kind = \"phase_mask\"";
    let Element::PhaseMask(mask) = toml::from_str(text).expect("a mask") else {
        panic!("no phase mask")
    };
    mask
}

/// The phases that a mask of element `element` shows which is told `told`, and their amplitudes.
fn seen(b: &mut Builder, device: &Device, element: usize, told: &[f64]) -> Vec<SlotId> {
    let name = format!("told.{element}.{}", told[0]);
    let shape = Shape::real(&GRID.samples);
    let told = b.param(&name, shape, Data::Real(told.to_vec()));
    let parts = device.mask(b, element, &mask(), (&GRID, WAVELENGTH), told).expect("a mask");
    parts.into_iter().flat_map(|part| [Some(part.phase), part.amplitude]).flatten().collect()
}

fn variance(all: &[f64]) -> f64 {
    all.iter().map(|x| x * x).sum::<f64>() / all.len() as f64
}

/// x of a x = b, by elimination with pivots.
fn solve(mut a: Vec<Vec<f64>>, mut b: Vec<f64>) -> Vec<f64> {
    let n = b.len();
    for k in 0..n {
        let best = (k..n).max_by(|&i, &j| a[i][k].abs().total_cmp(&a[j][k].abs()));
        let best = best.expect("a row");
        a.swap(k, best);
        b.swap(k, best);
        for i in k + 1..n {
            let pivot = a[k].clone();
            let by = a[i][k] / pivot[k];
            a[i].iter_mut().zip(&pivot).for_each(|(x, p)| *x -= by * p);
            b[i] -= by * b[k];
        }
    }
    for k in (0..n).rev() {
        let rest: f64 = (k + 1..n).map(|j| a[k][j] * b[j]).sum();
        b[k] = (b[k] - rest) / a[k][k];
    }
    b
}

/// 400 steps of twelve coefficients: the standard deviation of a standard deviation is 1 % of it,
/// of the mean 1.4 %.
#[test]
fn figures_are_as_large_as_the_list_says() {
    let std = 0.2;
    let hardware = Hardware {
        mask: MaskFaults { aberration_std: std, ..MaskFaults::default() },
        ..Hardware::default()
    };
    let told = vec![0.3; GRID.len()];
    let drawn = |seed| {
        Drawn::new(hardware.clone(), seed, |b, device| {
            [1, 3].map(|element| seen(b, device, element, &told)[0]).into()
        })
    };
    let terms: Vec<Vec<f64>> = ABERRATIONS.map(|j| zernike(j, GRID.samples)).collect();
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let gram: Vec<Vec<f64>> =
        terms.iter().map(|a| terms.iter().map(|b| dot(a, b)).collect()).collect();
    let (mut own, mut again, mut other) = (drawn(7), drawn(7), drawn(8));
    let mut all = Vec::new();
    let mut last = Vec::new();
    for _ in 0..400 {
        let shown = own.step();
        assert_eq!(shown, again.step(), "a seed is a sequence");
        assert_ne!(shown, other.step());
        assert_ne!(shown, last, "every step draws another");
        assert_ne!(shown[0], shown[1], "masks are drawn apart");
        let error: Vec<f64> = shown[0].iter().map(|p| p - 0.3).collect();
        let found = solve(gram.clone(), terms.iter().map(|z| dot(z, &error)).collect());
        for (p, error) in error.iter().enumerate() {
            let sum: f64 = found.iter().zip(&terms).map(|(c, z)| c * z[p]).sum();
            assert!((sum - error).abs() < 1e-10, "{sum} {error}");
        }
        all.extend(found);
        last = shown;
    }
    let found = variance(&all).sqrt();
    println!("vaccination: coefficients of figures {found:.4}, expected {std}");
    assert!((found / std - 1.0).abs() < 0.04, "{found}");
    assert!(all.iter().sum::<f64>().abs() / (all.len() as f64) < 0.06 * std);
}

/// Sines of tilts, uniform: 800 of them leave 3.2 % of their variance, T² / 3.
#[test]
fn tilts_are_as_large_as_the_list_says() {
    let tilt = 0.01f64;
    let hardware =
        Hardware { alignment: Alignment { tilt, ..Alignment::default() }, ..Hardware::default() };
    let told = vec![0.3; GRID.len()];
    let mut drawn = Drawn::new(hardware, 7, |b, device| seen(b, device, 1, &told));
    let mut all = Vec::new();
    for _ in 0..400 {
        let shown = drawn.step().remove(0);
        let slope = |apart: usize, pitch: f64| {
            (shown[apart] - shown[0]) / pitch * WAVELENGTH / std::f64::consts::TAU
        };
        let [y, x] = [slope(GRID.samples[1], GRID.pitch[0]), slope(1, GRID.pitch[1])];
        let plane =
            GRID.map(|at_y, at_x| (y * at_y + x * at_x) * std::f64::consts::TAU / WAVELENGTH);
        for (plane, shown) in plane.iter().zip(&shown) {
            assert!((plane + 0.3 - shown).abs() < 1e-9);
        }
        all.extend([y, x]);
    }
    assert!(all.iter().all(|s| s.abs() <= tilt.sin() * (1.0 + 1e-9)));
    let found = variance(&all) / (tilt.sin().powi(2) / 3.0);
    println!("vaccination: variance of tilts over the list's {found:.3}");
    assert!((found - 1.0).abs() < 0.13, "{found}");
}

/// Between the turns that are made once a mask is seen nearly as it is when it is turned just so: the
/// edge moves by half a pixel from one to the next, and of a random pattern, whose neighbours have
/// nothing in common, what is seen is off by less than a tenth of what turning does.
#[test]
fn turns_are_as_large_as_the_list_says() {
    // Edges of 16 x 12 samples of 2 um x 3 um: 1.7 pixels at most.
    let rotation = 0.19;
    let hardware = Hardware {
        alignment: Alignment { rotation, ..Alignment::default() },
        ..Hardware::default()
    };
    // Phases so small that the light is linear in them, and of a plane: they tell the angle.
    let small = 1e-4;
    let plane: Vec<f64> = GRID.map(|y, x| small * (y + 2.0 * x) / 1e-6);
    let random: Vec<f64> = reals(3, GRID.len()).iter().map(|x| 3.0 * x).collect();
    let mut drawn = Drawn::new(hardware, 7, |b, device| {
        [seen(b, device, 1, &plane), seen(b, device, 1, &random)].concat()
    });
    let light = |shown: &[Vec<f64>]| -> Vec<C> {
        let at = |p: usize| shown.chunks(2).map(|of| C::from_polar(of[1][p], of[0][p])).sum();
        (0..GRID.len()).map(at).collect()
    };
    let turned = |told: &[f64], angle: f64| -> Vec<C> {
        let all = corners(&GRID, angle);
        let at = |p: usize| {
            let one = |c: &lightloom::optics::hardware::mask::Corner| {
                let ends = [c.pixel.start[p], c.pixel.start[p + 1]].map(|n| n as usize);
                let phase =
                    c.pixel.index[ends[0]..ends[1]].first().map_or(0.0, |&q| told[q as usize]);
                C::from_polar(c.share[p], phase)
            };
            all.iter().map(one).sum()
        };
        (0..GRID.len()).map(at).collect()
    };
    let apart = |a: &[C], b: &[C]| {
        let sum: f64 = a.iter().zip(b).map(|(a, b)| (a - b).norm_sqr()).sum();
        (sum / a.len() as f64).sqrt()
    };
    let still: Vec<C> = random.iter().map(|&p| C::cis(p)).collect();
    // A sample near the middle, whose four pixels are there at any turn.
    let near = 4 * GRID.samples[1] + 3;
    let [y, x] = [GRID.position(0, 4) / 1e-6, GRID.position(1, 3) / 1e-6];
    let (mut angles, mut off, mut moved) = (Vec::new(), 0.0, 0.0);
    for _ in 0..300 {
        let shown = drawn.step();
        let half = shown.len() / 2;
        let found = light(&shown[..half])[near].im / small;
        // y cos α - x sin α + 2 (y sin α + x cos α) = found.
        let (a, b) = (y + 2.0 * x, 2.0 * y - x);
        let angle = (found / a.hypot(b)).clamp(-1.0, 1.0).acos();
        let about = b.atan2(a);
        let angle = [about + angle, about - angle]
            .into_iter()
            .map(|x| {
                (x + std::f64::consts::PI).rem_euclid(std::f64::consts::TAU) - std::f64::consts::PI
            })
            .min_by(|x, y| x.abs().total_cmp(&y.abs()))
            .expect("two");
        angles.push(angle);
        let (own, exact) = (light(&shown[half..]), turned(&random, angle));
        off += apart(&own, &exact).powi(2);
        moved += apart(&own, &still).powi(2);
    }
    let (off, moved) = ((off / 300.0).sqrt(), (moved / 300.0).sqrt());
    let found = variance(&angles) / (rotation * rotation / 3.0);
    println!(
        "vaccination: turns off by {off:.3} where turning moves light by {moved:.3}; variance {found:.3}"
    );
    assert!(off < 0.1 * moved && moved > 0.3, "{off} {moved}");
    // A uniform angle's variance over 300 steps: 5 %. Angles are read to the square of a turn.
    assert!((found - 1.0).abs() < 0.2, "{found}");
    assert!(angles.iter().all(|a| a.abs() < 1.02 * rotation));
    assert!(angles.windows(2).all(|w| w[0] != w[1]));
}

/// A lens meets the wavelength that is drawn: with what is added to its phase it is the lens at that
/// wavelength. Uniform: 400 draws leave 4.5 % of the variance, E² / 3.
#[test]
fn lenses_meet_the_drawn_wavelength() {
    let error = 0.05;
    let hardware = Hardware { wavelength_error: error, ..Hardware::default() };
    let Element::Lens(lens) = toml::from_str("kind = \"lens\"\nf = \"1 mm\"").expect("a lens")
    else {
        panic!("no lens")
    };
    let mut drawn = Drawn::new(hardware, 7, |b, device| {
        let place = (&GRID, WAVELENGTH);
        vec![device.colour(b, ("lens", &lens), place, 5).expect("a lens").expect("a wavelength")]
    });
    let right = lens.phasor(&GRID, WAVELENGTH);
    let mut all = Vec::new();
    for _ in 0..400 {
        let more = drawn.step().remove(0);
        // φ + more = φ / (1 + ε).
        let phase =
            std::f64::consts::TAU * lens.turns([0, 1].map(|a| GRID.position(a, 0)), WAVELENGTH);
        let found = phase / (phase + more[0]) - 1.0;
        let exact = lens.phasor(&GRID, WAVELENGTH * (1.0 + found));
        for ((right, more), exact) in right.iter().zip(&more).zip(&exact) {
            assert!((right * C::cis(*more) - exact).norm() < 1e-9);
        }
        all.push(found);
    }
    let found = variance(&all) / (error * error / 3.0);
    assert!((found - 1.0).abs() < 0.18 && all.iter().all(|e| e.abs() < 1.001 * error), "{found}");
}

/// What a mask's edge moves too far for is refused.
#[test]
fn wide_turns_are_refused() {
    let hardware = Hardware {
        alignment: Alignment { rotation: 0.9, ..Alignment::default() },
        ..Hardware::default()
    };
    let mut b = Builder::default();
    let shot = b.state("shot", Shape::index(&[1]), Data::Index(vec![0]));
    let device = Device { hardware, chance: Chance::Redrawn(1), shot, exposure: 0 };
    b.routine("step", 1);
    let shape = Shape::real(&GRID.samples);
    let told = b.constant("told", shape, || Data::Real(vec![0.0; GRID.len()]));
    let wide = device.mask(&mut b, 1, &mask(), (&GRID, WAVELENGTH), told);
    let error = wide.err().expect("a refusal").to_string();
    assert!(error.contains("hardware.alignment.rotation"), "{error}");
}

/// ε of each splitter and the loss in dB of a cell of `build`, whose two inputs lose alike.
fn cell(build: &[C], three: bool) -> ([f64; 3], f64) {
    let whole: Vec<C> = (0..4).map(|e| (0..4).map(|n| build[4 * n + e]).sum()).collect();
    let amplitude = (whole[0].norm_sqr() + whole[2].norm_sqr()).sqrt();
    let [a, b, _, d]: [Vec<C>; 4] =
        [0, 1, 2, 3].map(|n| build[4 * n..4 * n + 4].iter().map(|z| z / amplitude).collect());
    let mut third = 0.0;
    let i = C::new(0.0, 1.0);
    let undo = |m: &[C], third: f64| -> Vec<C> {
        let (s, c) = (std::f64::consts::FRAC_PI_4 + third).sin_cos();
        let (c, s) = (C::from(c), -i * s);
        vec![m[0] * c + m[1] * s, m[0] * s + m[1] * c, m[2] * c + m[3] * s, m[2] * s + m[3] * c]
    };
    let [a, b, d] = if three {
        third = (d[1] / (i * d[0])).re.atan() - std::f64::consts::FRAC_PI_4;
        [a, b, d].map(|m| undo(&m, third))
    } else {
        [a, b, d]
    };
    let (cc, ss, sc, cs) = (2.0 * d[0].re, -2.0 * b[3].re, 2.0 * a[1].im, 2.0 * b[1].im);
    let sum = (0.5 * (ss - cc)).atan2(0.5 * (sc + cs));
    let gap = (0.5 * (sc - cs)).atan2(0.5 * (cc + ss));
    ([0.5 * (sum - gap), 0.5 * (sum + gap), third], -20.0 * amplitude.log10())
}

/// Cells of 32 modes by closed forms of their constants, and beside the constants of a chip with just
/// these splitters and losses. 20 steps of 496 cells: standard deviations to 0.5 % for two splitters
/// of each, and of losses to 0.7 %.
#[test]
fn cells_are_as_wrong_as_the_list_says() {
    let spec = Imperfections {
        splitter_angle: 0.05,
        loss_db: 0.3,
        loss_std_db: 0.05,
        ..Imperfections::default()
    };
    for three in [false, true] {
        let mesh = Mesh::new(32, Topology::Clements).expect("a size").with_three_splitters(three);
        let hardware = Hardware { mesh: spec.clone(), ..Hardware::default() };
        let mut b = Builder::default();
        let shot = b.state("shot", Shape::index(&[1]), Data::Index(vec![0]));
        let device = Device { hardware, chance: Chance::Redrawn(5), shot, exposure: 0 };
        b.routine("step", 1);
        let mean = device.faults(&mesh, 2).expect("a chip");
        let slots = [2, 3].map(|n| device.cells(&mut b, (&mesh, n), &mean).expect("cells"));
        slots.iter().enumerate().for_each(|(n, &slot)| b.output(slot, &format!("cells.{n}")));
        b.emit_into(Op::Count(Count), &[], &[shot]).expect("a counter");
        let program = Arc::new(b.finish());
        let mut executor = cpu::compile(program, Precision::F64, Some(1)).expect("a thread");
        let (mut angles, mut losses, mut last) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..20 {
            executor.run("step", 1).expect("a step");
            let [own, other] = slots.map(|s| executor.read(s).expect("cells").complexes().to_vec());
            assert!(own != last && own != other, "steps and meshes are drawn apart");
            let mut faults = mean.clone();
            for (k, build) in own.chunks(16).enumerate() {
                (faults.splitters[k], faults.loss_db[k]) = cell(build, three);
            }
            let exact = builds(&mesh, &faults);
            let apart = own.iter().zip(&exact).map(|(a, b)| (a - b).norm()).fold(0.0, f64::max);
            assert!(apart < 1e-12, "{apart:e}");
            let splitters = if three { 3 } else { 2 };
            angles.extend(faults.splitters.iter().flat_map(|s| &s[..splitters]).copied());
            losses.extend(faults.loss_db.iter().map(|db| db - 0.3));
            last = own;
        }
        let [angle, loss] = [&angles, &losses].map(|all| variance(all).sqrt());
        println!("vaccination: splitters {angle:.4} rad, losses {loss:.4} dB");
        assert!((angle / 0.05 - 1.0).abs() < 0.02 && (loss / 0.05 - 1.0).abs() < 0.03);
    }
}

const STACK: &str = r#"
seed = 3
data = { name = "mnist" }
[optic]
wavelength = "532 nm"
pitch = "2 um"
samples = [16, 12]
input = { encoding = "amplitude", aperture = 0.7 }
element = [
  { kind = "free_space", z = "30 um" },
  { kind = "phase_mask", init = "random" },
  { kind = "free_space", z = "41 um" },
]
detector = { size = "6 um", grid = [1, 3], spread = 0.8 }
[hardware]
mask = { aberration_std = 0.5 }
alignment = { tilt = 0.05, rotation = 0.05 }
[train]
epochs = 1
batch = 8
"#;

fn experiment(text: &str) -> Experiment {
    load::from_text("test.toml", text, Path::new("."), &[]).expect("an experiment").experiment
}

/// Losses of three steps at parameters that stay: of the vaccinated twin where `vaccinated`, and of
/// the twin itself.
fn losses(vaccinated: bool) -> Vec<[f64; 2]> {
    let text = STACK.replace("epochs = 1", "epochs = 1\nmethod = \"vaccination\"");
    let experiment = experiment(&text);
    let recipe = experiment.train.as_ref().expect("a recipe");
    let mut b = Builder::default();
    let twin = Machine::new(&mut b, &experiment.optic, Some([5, 4]), 3, 3).expect("a machine");
    let (image, label) = (twin.image.expect("image"), twin.label.expect("label"));
    let hardware = experiment.hardware.clone().expect("faults");
    let (pair, _) = Pair::new(&mut b, twin, &hardware);
    let method = methods::of(recipe, &experiment.optic, experiment.seed).expect("a method");
    b.routine("losses", 8);
    let mut all = Vec::new();
    if vaccinated {
        all.push(method.gradient(&mut b, &pair, recipe).expect("a gradient").loss);
        b.pass();
    }
    all.push(backprop::exact(&mut b, &pair.twin, recipe).expect("the twin's").loss);
    let means: Vec<SlotId> = (all.into_iter().enumerate())
        .map(|(n, loss)| step::mean(&mut b, &format!("mean.{n}"), loss, 0.125).expect("a mean"))
        .collect();
    b.section("read");
    let sums: Vec<SlotId> =
        means.iter().map(|&m| b.emit(Op::LeafSum(LeafSum), &[m]).expect("a sum")).collect();
    sums.iter().enumerate().for_each(|(n, &sum)| b.output(sum, &format!("loss.{n}")));
    step::next_shot(&mut b).expect("a counter");
    let mut executor =
        cpu::compile(Arc::new(b.finish()), Precision::F64, Some(1)).expect("a thread");
    let images = reals(50, 8 * 20).iter().map(|v| 0.5 + 0.5 * v).collect();
    executor.write(image, &Data::Real(images)).expect("write");
    executor.write(label, &Data::Index((0..8).map(|i| i % 3).collect())).expect("write");
    let mut read = || {
        executor.run("losses", 8).expect("a run");
        let mut of = |n: usize| executor.read(sums[n]).expect("a loss").reals()[0];
        [of(0), of(sums.len() - 1)]
    };
    (0..3).map(|_| read()).collect()
}

/// The twin that is vaccinated is another every step, and the twin beside it is as it was.
#[test]
fn the_twin_itself_stays() {
    let (own, alone) = (losses(true), losses(false));
    assert!(own.iter().zip(&alone).all(|(a, b)| a[1] == b[1]), "{own:?} {alone:?}");
    assert!(own[0][0] != own[1][0] && own[1][0] != own[2][0] && own[0][0] != own[0][1]);
    assert_eq!(own, losses(true), "steps come again");
}
