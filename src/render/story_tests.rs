use super::*;
use crate::optics::Grid;
use crate::optics::detector::{Detector, Layout};
use crate::render::samples::{beam, folder, read};
use crate::units::Metres;

const P: [f64; 2] = [8e-6; 2];

fn panels(count: usize, samples: [usize; 2]) -> Vec<Panel> {
    let light = |k: usize| {
        beam(samples, 8.0 + 5.0 * k as f64).iter().map(num_complex::Complex::norm_sqr).collect()
    };
    (0..count)
        .map(|k| Panel {
            name: if k + 1 == count { "detector".into() } else { format!("before mask {}", k + 1) },
            z: 3.1e-3 * k as f64,
            intensity: light(k),
        })
        .collect()
}

fn layout(layout: Layout, shape: Outline, differential: bool, size: f64) -> Detector {
    Detector {
        layout,
        shape,
        size: Some(Metres(size)),
        spread: 0.8,
        differential,
        grid: None,
        head: None,
    }
}

fn marked(detector: &Detector, samples: [usize; 2], classes: usize) -> Vec<(Region, usize, bool)> {
    let regions = detector.regions(&Grid { samples, pitch: P }, classes);
    regions.into_iter().enumerate().map(|(k, r)| (r, k % classes, k < classes)).collect()
}

fn names(n: usize) -> Vec<String> {
    (0..n).map(|k| k.to_string()).collect()
}

#[test]
fn a_right_answer() {
    let samples = [100, 100];
    let panels = panels(6, samples);
    let regions = marked(&layout(Layout::Grid, Outline::Square, false, 60e-6), samples, 10);
    let energy: Vec<f64> =
        (0..10).map(|k| if k == 7 { 0.31 } else { 0.02 + 0.01 * k as f64 }).collect();
    let story = Story {
        samples,
        pitch: P,
        panels: &panels,
        regions: &regions,
        classes: &names(10),
        energy: &energy,
        energy_label: "share of the light in the regions",
        truth: 7,
        answer: 7,
    };
    let path = folder().join("story.png");
    draw(&story, &path).unwrap();
    let (width, height, pixel) = read(&path);
    assert_eq!(width as i64, WIDE);
    let count = |colour: Rgb| {
        (0..height).map(|y| (0..width).filter(|x| pixel(*x, y) == colour).count()).sum::<usize>()
    };
    assert!(count(GREEN) > 1000 && count(RED) == 0);
    assert!(count(FOR) > 1000 && count(AGAINST) == 0);
    draw(&Story { answer: 2, ..story }, &path.with_file_name("story-wrong.png")).unwrap();
    let (_, _, pixel) = read(&path.with_file_name("story-wrong.png"));
    assert!((0..height).any(|y| (0..width).any(|x| pixel(x, y) == RED)));
}

#[test]
fn differential_rings_and_long_names() {
    let samples = [128, 128];
    let panels = panels(8, samples);
    let regions = marked(&layout(Layout::Ring, Outline::Circle, true, 50e-6), samples, 10);
    let classes = [
        "T-shirt",
        "trouser",
        "pullover",
        "dress",
        "coat",
        "sandal",
        "shirt",
        "sneaker",
        "bag",
        "ankle boot",
    ];
    let classes = classes.map(String::from);
    let energy: Vec<f64> = (0..10).map(|k| (f64::from(k) * 1.7).sin() * 0.4).collect();
    let story = Story {
        samples,
        pitch: P,
        panels: &panels,
        regions: &regions,
        classes: &classes,
        energy: &energy,
        energy_label: "differential signal (I₊ − I₋) / (I₊ + I₋)",
        truth: 9,
        answer: 1,
    };
    draw(&story, &folder().join("story-differential.png")).unwrap();
}

#[test]
fn odd_stories_do_not_panic() {
    let odd = folder().join("story-odd.png");
    let classes = names(100);
    let samples = [100, 100];
    let regions = marked(&layout(Layout::Grid, Outline::Square, false, 40e-6), samples, 100);
    let energy: Vec<f64> = (0..100).map(|k| f64::from(k % 13) * 1e-7).collect();
    let panels = panels(1, samples);
    let story = Story {
        samples,
        pitch: P,
        panels: &panels,
        regions: &regions,
        classes: &classes,
        energy: &energy,
        energy_label: "power",
        truth: 12,
        answer: 30,
    };
    draw(&story, &folder().join("story-100.png")).unwrap();
    let story = Story { samples: [1, 1], pitch: [0.0, f64::NAN], classes: &classes[..1], ..story };
    draw(&story, &odd).unwrap();
    let bad = [f64::NAN, f64::INFINITY, -1e300, 0.0];
    draw(&Story { energy: &bad, truth: 500, panels: &[], ..story }, &odd).unwrap();
    draw(&Story { energy: &[], regions: &[], samples: [3, 400], pitch: P, ..story }, &odd).unwrap();
    draw(&Story { energy: &[0.0], samples: [0, 0], ..story }, &odd).unwrap();
}
