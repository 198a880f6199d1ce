use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::*;

mod csv;
mod idx;
mod known;
mod npz;
mod pngs;

fn by_path(path: &Path) -> DataSource {
    DataSource {
        name: None,
        path: Some(path.to_owned()),
        train_limit: None,
        shift: 0,
        complex: None,
        shuffle_labels: false,
    }
}

fn by_name(name: &str) -> DataSource {
    DataSource {
        name: Some(name.into()),
        path: None,
        train_limit: None,
        shift: 0,
        complex: None,
        shuffle_labels: false,
    }
}

fn open(path: &Path) -> Dataset {
    load(&by_path(path), 1).unwrap()
}

#[track_caller]
fn fails(path: &Path, parts: &[&str]) {
    let error = load(&by_path(path), 1).unwrap_err().to_string();
    for part in parts {
        assert!(error.contains(part), "`{part}` is not in: {error}");
    }
}

fn image(split: &Split, i: usize, size: usize) -> Vec<f64> {
    let mut out = vec![f64::NAN; size];
    split.write_image(i, &mut out);
    out
}

fn histogram(labels: &[u16]) -> Vec<usize> {
    let mut counts = vec![0; 10];
    for &label in labels {
        counts[usize::from(label)] += 1;
    }
    counts
}

#[test]
fn exactly_one_of_name_and_path() {
    let both = DataSource { path: Some("x".into()), ..by_name("mnist") };
    let neither = DataSource { name: None, ..by_name("mnist") };
    for source in [both, neither] {
        let error = load(&source, 1).unwrap_err();
        assert!(matches!(&error, Error::Invalid(e) if e.key == "data.name" && e.help.is_some()));
    }
}

#[test]
fn a_path_that_is_no_data_set() {
    let dir = tempfile::tempdir().unwrap();
    fails(&dir.path().join("none"), &["none: cannot read"]);
    fails(dir.path(), &["no data set is in this folder"]);
    let text = dir.path().join("a.txt");
    fs::write(&text, "hello").unwrap();
    fails(&text, &["a.txt: not a kind of data set"]);
}

#[test]
fn spread_puts_every_class_everywhere() {
    let mut labels = vec![0; 24];
    labels.extend([1; 12]);
    let order = split::spread(&labels);
    let mut sorted = order.clone();
    sorted.sort_unstable();
    assert!(sorted.iter().enumerate().all(|(i, &v)| i == v));
    for third in order.chunks(6) {
        assert_eq!(third.iter().filter(|&&i| labels[i] == 1).count(), 2);
    }
    assert_eq!(split::every_sixth(&labels).iter().filter(|t| **t).count(), 6);
}

#[test]
fn numbers_sort_as_numbers() {
    let texts = |list: &[&str]| list.iter().map(|&s| s.to_owned()).collect::<Vec<_>>();
    let train = texts(&["10", "9", "1", "9"]);
    let n = labels::number(&train, &texts(&["9"])).unwrap();
    assert_eq!((n.classes, n.train, n.test), (texts(&["1", "9", "10"]), vec![2, 1, 0, 1], vec![1]));
    assert_eq!(labels::number(&train, &texts(&["1", "2"])).unwrap_err(), Some(1));
    assert_eq!(labels::number(&texts(&["b", "a", "10"]), &[]).unwrap().classes, ["10", "a", "b"]);
}
