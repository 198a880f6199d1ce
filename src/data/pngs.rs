//! One folder of PNG images per class, with or without `train/` and `test/` above.

use std::path::{Path, PathBuf};

use super::split::{Part, Pixels, every_sixth, spread};
use super::{Source, folder, labels};
use crate::error::{Error, Result};
use crate::files::png;

/// Images and their classes, sorted by class and file name.
struct Files {
    paths: Vec<PathBuf>,
    classes: Vec<String>,
}

pub(super) fn load(root: &Path) -> Result<Source> {
    let (folders, _) = folder::entries(root)?;
    let [train, test] = ["train", "test"].map(|n| folders.iter().find(|f| f.ends_with(n)));
    let (train, test) = match (train, test) {
        (Some(train), Some(test)) => split_by_folder(root, &folders, train, test)?,
        (None, None) => split_by_count(root)?,
        _ => {
            return Err(Error::format(root, "only one of the folders train and test is here")
                .help("give both, or the folders of the classes alone"));
        }
    };
    let numbered = labels::number(&train.classes, &test.classes).map_err(|at| match at {
        Some(at) => {
            let what = format!("class {} has no training image", test.classes[at]);
            Error::format(&test.paths[at], what)
        }
        None => Error::format(root, "more than 65,535 classes"),
    })?;
    let mut size = None;
    let train = read(&train.paths, &numbered.train, &mut size)?;
    let test = read(&test.paths, &numbered.test, &mut size)?;
    let Some((image, _)) = size else {
        return Err(Error::format(root, "no .png is in the folders of this folder"));
    };
    Ok(Source {
        name: folder::name_of(root),
        classes: numbered.classes,
        image,
        complex: false,
        train,
        test,
    })
}

fn split_by_folder(
    root: &Path,
    folders: &[PathBuf],
    train: &Path,
    test: &Path,
) -> Result<(Files, Files)> {
    if let Some(other) = folders.iter().find(|f| *f != train && *f != test) {
        return Err(Error::format(
            root,
            format!("{} stands beside train and test", other.display()),
        )
        .help("move its images to train; the last twelfth of train is the validation set"));
    }
    Ok((list(train)?, list(test)?))
}

fn split_by_count(root: &Path) -> Result<(Files, Files)> {
    let all = list(root)?;
    let numbered = labels::number(&all.classes, &[])
        .map_err(|_| Error::format(root, "more than 65,535 classes"))?;
    let mut split = [(); 2].map(|()| Files { paths: Vec::new(), classes: Vec::new() });
    let test = every_sixth(&numbered.train);
    for ((path, class), test) in all.paths.into_iter().zip(all.classes).zip(test) {
        split[usize::from(test)].paths.push(path);
        split[usize::from(test)].classes.push(class);
    }
    Ok(split.into())
}

fn list(root: &Path) -> Result<Files> {
    let mut list = Files { paths: Vec::new(), classes: Vec::new() };
    for class in folder::entries(root)?.0 {
        let (_, files) = folder::entries(&class)?;
        let images = files.into_iter().filter(|f| folder::has_extension(f, "png"));
        let before = list.paths.len();
        list.paths.extend(images);
        if list.paths.len() == before {
            return Err(Error::format(&class, "the folder of a class without a .png"));
        }
        let name = class.file_name().unwrap_or_default().to_string_lossy().into_owned();
        list.classes.resize(list.paths.len(), name);
    }
    Ok(list)
}

/// `size` is that of the first image read and its path.
fn read(
    paths: &[PathBuf],
    labels: &[u16],
    size: &mut Option<([usize; 2], PathBuf)>,
) -> Result<Part> {
    let mut pixels = Vec::new();
    let order = spread(labels);
    for &i in &order {
        let path = &paths[i];
        let bytes = std::fs::read(path).map_err(|e| Error::file(path, "read", e))?;
        let (image, grey) = png::grey8(path, &bytes)?;
        let ([y, x], first) = size.get_or_insert_with(|| (image, path.clone()));
        if image != [*y, *x] {
            let what = format!(
                "{} x {} pixels, but {} has {x} x {y}",
                image[1],
                image[0],
                first.display()
            );
            return Err(Error::format(path, what).help("all images of a set have one size"));
        }
        pixels.extend_from_slice(&grey);
    }
    let values = pixels.len() / order.len().max(1);
    Ok(Part {
        pixels: Pixels::bytes(&pixels, values),
        labels: order.into_iter().map(|i| labels[i]).collect(),
    })
}
