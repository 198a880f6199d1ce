//! Pictures of every kind are drawn, of the usual and of the odd.

use num_complex::Complex;

use super::canvas::Canvas;
use super::colormap::{NOT_A_NUMBER, cyclic};
use super::confusion;
use super::curves::{self, Curves};
use super::field::{self, Plane};
use super::masks;
use super::story::{self, Panel, Story};
use crate::optics::detector::Region;
use crate::optics::element::Outline;

fn decode(path: &std::path::Path) -> image::RgbImage {
    image::open(path).expect("a PNG that decodes").to_rgb8()
}

fn has(picture: &image::RgbImage, colour: [u8; 3]) -> usize {
    picture.pixels().filter(|p| p.0 == colour).count()
}

#[test]
fn fields_show_phase_and_nan() {
    let folder = tempfile::tempdir().expect("a folder");
    for samples in [[1, 1], [16, 24], [1000, 1100]] {
        let n = samples[0] * samples[1];
        let mut values = vec![Complex::new(-1.0, 0.0); n];
        values[0] = Complex::new(f64::NAN, 0.0);
        let plane = Plane { samples, pitch: [1e-5; 2], title: "a plane" };
        let path = folder.path().join("field.png");
        field::complex(&plane, &values, &path).expect("drawn");
        let picture = decode(&path);
        if n > 1 {
            assert!(has(&picture, cyclic(std::f64::consts::PI)) * 4 > 300 * 300, "{samples:?}");
        }
        assert!(has(&picture, NOT_A_NUMBER) > 0, "{samples:?}: the NaN is not seen");
        field::intensity(&plane, &vec![0.0; n], &path).expect("a dark plane is drawn");
        field::phase(&plane, &vec![0.5; n], &path).expect("drawn");
    }
}

#[test]
fn a_scale_bar_is_as_long_as_it_says() {
    // 25.6 mm over 320 pixels: 10 mm is 125 of them.
    assert_eq!(masks::scale_bar(320, 25.6e-3), (125, "10 mm".to_owned()));
    assert_eq!(masks::scale_bar(400, 400e-6), (100, "100 µm".to_owned()));
}

#[test]
fn sheets_stories_curves_and_matrices_are_drawn() {
    let folder = tempfile::tempdir().expect("a folder");
    let (samples, pitch) = ([32, 32], [4e-4; 2]);
    let mask: Vec<f64> = (0..1024).map(|i| f64::from(i) * 0.01).collect();
    let path = folder.path().join("masks.png");
    masks::sheet(&vec![("mask".to_owned(), mask.clone()); 7], samples, pitch, &path)
        .expect("drawn");
    assert!(decode(&path).width() > 1000);
    masks::sheet(&[], samples, pitch, &path).expect("no masks");

    let region = Region { outline: Outline::Circle, centre: [1e-3, 2e-3], size: [2e-3; 2] };
    let panel = || Panel { name: "plane".into(), z: 0.03, intensity: mask.clone() };
    let classes: Vec<String> = ["zero", "one"].map(String::from).into();
    for (panels, energy) in
        [(vec![panel(), panel()], vec![0.2, -0.1]), (vec![], vec![f64::NAN, 0.0])]
    {
        let story = Story {
            samples,
            pitch,
            panels: &panels,
            regions: &[(region, 0, true), (region, 1, false)],
            classes: &classes,
            energy: &energy,
            energy_label: "share",
            truth: 0,
            answer: 1,
        };
        story::draw(&story, &folder.path().join("story.png")).expect("drawn");
    }
    for n in [1usize, 5] {
        let v = |x: f64| vec![x; n];
        let epochs = (1..=n).map(|e| e as f64).collect();
        let test = Some((0.97, [0.966, 0.974]));
        let c = Curves {
            epochs,
            train_loss: v(0.5),
            val_loss: v(f64::NAN),
            val_accuracy: v(0.9),
            test,
        };
        curves::draw(&c, &folder.path().join("curves.png")).expect("drawn");
    }
    for n in [1usize, 10, 100] {
        let matrix: Vec<Vec<u32>> =
            (0..n).map(|i| (0..n).map(|j| u32::from(i == j) * 9).collect()).collect();
        let names: Vec<String> = (0..n).map(|i| i.to_string()).collect();
        confusion::draw(&matrix, &names, 1.0, [0.9, 1.0], &folder.path().join("c.png"))
            .expect("drawn");
    }
}

/// The embedded font draws: a text leaves ink where it stands.
#[test]
fn text_is_drawn() {
    let mut canvas = Canvas::new(200, 60);
    canvas
        .text(100, 30, 30, super::canvas::Anchor::Centre, [0, 0, 0], "λ = 532 nm")
        .expect("drawn");
    let ink = (0..200)
        .flat_map(|x| (0..60).map(move |y| (x, y)))
        .filter(|&(x, y)| canvas.at(x, y) != [255; 3]);
    assert!(ink.count() > 300);
}
