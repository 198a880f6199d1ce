use npyz::WriterBuilder;

use super::*;
use crate::files::npy;

fn write_folder(dir: &Path, x: &[f32], y: &[f32]) {
    npy::write_f32(&dir.join("x_train.npy"), &[x.len() / 4, 2, 2], x).unwrap();
    npy::write_f32(&dir.join("y_train.npy"), &[y.len()], y).unwrap();
    npy::write_f32(&dir.join("x_test.npy"), &[1, 2, 2], &[0.25; 4]).unwrap();
    npy::write_f32(&dir.join("y_test.npy"), &[1], &[5.0]).unwrap();
}

#[test]
fn four_arrays_in_a_folder() {
    let dir = tempfile::tempdir().unwrap();
    let x: Vec<f32> = (0..12).map(|i| i as f32 / 16.0).collect();
    write_folder(dir.path(), &x, &[5.0, 3.0, 5.0]);
    let set = open(dir.path());
    assert_eq!((set.image, set.classes), ([2, 2], vec!["3".into(), "5".to_string()]));
    assert_eq!(image(&set.train, 1, 4), [0.25, 0.3125, 0.375, 0.4375]);
    assert_eq!((set.val.label(0), set.test.label(0)), (1, 1));

    write_folder(dir.path(), &x, &[5.0, 3.0]);
    fails(dir.path(), &["y_train.npy", "2 labels for 3 samples"]);
    write_folder(dir.path(), &x, &[5.0, 3.5, 5.0]);
    fails(dir.path(), &["y_train.npy", "index 1 is 3.5"]);
    write_folder(dir.path(), &x, &[3.0; 3]);
    fails(dir.path(), &["y_test.npy", "label 5 at index 0"]);
    let mut bad = x.clone();
    bad[6] = f32::NAN;
    write_folder(dir.path(), &bad, &[5.0; 3]);
    fails(dir.path(), &["x_train.npy", "sample 1, value at [1, 1, 0]: NaN"]);
    bad[6] = 254.0;
    write_folder(dir.path(), &bad, &[5.0; 3]);
    fails(dir.path(), &["x_train.npy", "sample 1", "254 is outside 0..1"]);
    npy::write_f32(&dir.path().join("x_train.npy"), &[3, 4], &x).unwrap();
    fails(dir.path(), &["x_test.npy", "[1, 2, 2], but x_train has [3, 4]"]);
    fs::write(dir.path().join("y_test.npy"), b"junk").unwrap();
    fails(dir.path(), &["y_test.npy", "not a NumPy array"]);
}

#[expect(clippy::default_trait_access, reason = "the zip crate is not ours to name")]
fn write_npz(path: &Path, names: [&str; 4], x: &[u8]) {
    let mut out = npyz::npz::NpzWriter::create(path).unwrap();
    let mut add = |name: &str, shape: &[u64], items: &[u8]| {
        let builder = out.array(name, Default::default()).unwrap();
        let mut array = builder.default_dtype().shape(shape).begin_nd().unwrap();
        array.extend(items.iter().copied()).unwrap();
        array.finish().unwrap();
    };
    add(names[0], &[3, 2], x);
    add(names[1], &[3], &[0, 1, 0]);
    add(names[2], &[1, 2], &[255, 51]);
    add(names[3], &[1, 1], &[1]);
}

#[test]
fn one_archive_of_bytes_as_keras_has_them() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("set.npz");
    let names = ["x_train", "y_train", "x_test", "y_test"];
    write_npz(&path, names, &[0, 255, 51, 102, 1, 2]);
    let set = open(&path);
    assert_eq!((set.name.as_str(), set.image), ("set", [1, 2]));
    assert_eq!(image(&set.train, 1, 2), [0.2, 0.4]);
    assert_eq!(image(&set.test, 0, 2), [1.0, 0.2]);
    assert_eq!(open(dir.path()).test.len(), 1, "the only .npz of a folder");

    write_npz(&path, names, &[0, 1, 0, 1, 1, 0]);
    fails(&path, &["x_train", "all are 0 or 1"]);
    write_npz(&path, ["x_train", "y", "x_test", "y_test"], &[0, 255, 51, 102, 1, 2]);
    fails(&path, &["no array y_train"]);
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    fails(&path, &["not a readable .npz"]);
}

#[test]
fn complex_arrays_are_pairs() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(format!("{name}.npy"));
    let z = |re: f32, im: f32| num_complex::Complex::new(re, im);
    let x = [z(0.5, -0.5), z(0.0, 1.0), z(0.0, 0.0), z(-1.0, 0.0), z(0.25, 0.0), z(0.0, 0.0)];
    npy::write_complex64(&at("x_train"), &[3, 2], &x).unwrap();
    npy::write_complex64(&at("x_test"), &[1, 2], &x[..2]).unwrap();
    npy::write_f32(&at("y_train"), &[3], &[0.0, 1.0, 0.0]).unwrap();
    npy::write_f32(&at("y_test"), &[1], &[1.0]).unwrap();
    let set = open(dir.path());
    assert!(set.complex && set.image == [1, 4]);
    assert_eq!(image(&set.train, 0, 4), [0.5, -0.5, 0.0, 1.0]);
    npy::write_complex64(&at("x_train"), &[3, 2], &[z(0.9, 0.9); 6]).unwrap();
    fails(dir.path(), &["x_train.npy", "sample 0", "modulus of 0.8999"]);
    npy::write_f32(&at("x_test"), &[1, 2], &[0.5; 2]).unwrap();
    fails(dir.path(), &["x_test.npy", "complex numbers in one"]);
}

/// Sorted by class, as such files often are: every class is validated, images stay with their labels, and
/// what lies mixed stays as it is.
#[test]
fn sorted_classes_are_spread() {
    let dir = tempfile::tempdir().unwrap();
    let saved = |label: &dyn Fn(usize) -> usize| {
        // Every image tells its label and its number.
        let x: Vec<f32> =
            (0..48).flat_map(|i| [label(i) as f32 / 8.0, i as f32 / 64.0, 0.0, 1.0]).collect();
        let y: Vec<f32> = (0..48).map(|i| label(i) as f32).collect();
        write_folder(dir.path(), &x, &y);
        npy::write_f32(&dir.path().join("y_test.npy"), &[1], &[3.0]).unwrap();
        open(dir.path())
    };
    let numbers = |split: &Split| -> Vec<usize> {
        let number = |i| {
            let image = image(split, i, 4);
            assert_eq!(image[0] * 8.0, split.label(i) as f64);
            (image[1] * 64.0) as usize
        };
        (0..split.len()).map(number).collect()
    };
    let sorted = saved(&|i| i / 12);
    assert_eq!(histogram(sorted.val.labels())[..4], [1; 4]);
    let mut all = [numbers(&sorted.train), numbers(&sorted.val)].concat();
    assert_ne!(all, (0..48).collect::<Vec<_>>());
    all.sort_unstable();
    assert_eq!(all, (0..48).collect::<Vec<_>>());
    let mixed = saved(&|i| i % 4);
    let all = [numbers(&mixed.train), numbers(&mixed.val)].concat();
    assert_eq!(all, (0..48).collect::<Vec<_>>());
}

/// Likewise of bytes, which are kept packed.
#[test]
fn packed_images_stay_with_their_labels() {
    let bytes: Vec<u8> = (0..24u8).flat_map(|i| [0, i, 0, 255 - i, i % 3]).collect();
    let part =
        Part { pixels: split::Pixels::bytes(&bytes, 5), labels: [[0; 12], [1; 12]].concat() };
    let part = part.spread(5);
    let order = split::spread(&[[0; 12], [1; 12]].concat());
    assert_eq!(part.labels, order.iter().map(|&i| u16::from(i >= 12)).collect::<Vec<_>>());
    let split = Split::new(part.labels, Arc::new(part.pixels), 0, 5);
    for (at, i) in order.into_iter().enumerate() {
        let wanted = bytes[5 * i..][..5].iter().map(|&b| f64::from(b) / 255.0);
        assert_eq!(image(&split, at, 5), wanted.collect::<Vec<_>>());
    }
}
